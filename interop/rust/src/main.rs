//! Reads HTTP messages, one JSON document a line on stdin (`{"mode", "headers", "body"}`), takes the CloudEvents
//! envelope off by hand and gives what is inside to the Rust CDEvents SDK. Prints what that read, one line a message.

use std::io::{self, BufRead, Write};

use cdevents_sdk::CDEvent;
use serde_json::{Map, Value, json};

type Attributes = Map<String, Value>;

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let answer = match read_message(&line?) {
            Ok(events) => json!({ "events": events }),
            Err(error) => json!({ "error": error }),
        };
        writeln!(out, "{answer}")?;
    }
    out.flush()
}

fn read_message(line: &str) -> Result<Vec<Value>, String> {
    let message: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let body = message["body"].as_str().ok_or("no body")?;
    let content_type = message["headers"]["content-type"].as_str().unwrap_or("");
    match message["mode"].as_str() {
        Some("binary") => {
            expect("content-type", "application/json", content_type)?;
            Ok(vec![read_event(
                &binary_attributes(&message["headers"])?,
                body,
            )?])
        }
        Some("structured") => {
            expect("content-type", "application/cloudevents+json", content_type)?;
            let envelope = serde_json::from_str(body).map_err(|error| error.to_string())?;
            Ok(vec![read_envelope(envelope)?])
        }
        Some("batched") => {
            expect(
                "content-type",
                "application/cloudevents-batch+json",
                content_type,
            )?;
            let batch: Vec<Value> =
                serde_json::from_str(body).map_err(|error| error.to_string())?;
            batch.into_iter().map(read_envelope).collect()
        }
        mode => Err(format!("no such content mode: {mode:?}")),
    }
}

fn expect(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: expected {expected}, got {found}"))
}

fn binary_attributes(headers: &Value) -> Result<Attributes, String> {
    let mut attributes = Attributes::new();
    for (name, value) in headers.as_object().ok_or("no headers")? {
        let value = value
            .as_str()
            .ok_or_else(|| format!("{name}: not a string"))?;
        if let Some(attribute) = name.strip_prefix("ce-") {
            if !value.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
                return Err(format!("{name}: not printable ASCII"));
            }
            attributes.insert(attribute.to_owned(), percent_decode(value)?.into());
        }
    }
    Ok(attributes)
}

fn percent_decode(value: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.ok_or_else(|| format!("a stray % in {value}"))?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

fn read_envelope(envelope: Value) -> Result<Value, String> {
    let Value::Object(mut attributes) = envelope else {
        return Err("an envelope is an object".to_owned());
    };
    let data = attributes.remove("data").ok_or("no data")?;
    read_event(&attributes, &data.to_string())
}

/// What the SDK read; an error when the envelope does not say the same.
fn read_event(attributes: &Attributes, text: &str) -> Result<Value, String> {
    let event: CDEvent = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let attribute = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or("");
    expect("specversion", "1.0", attribute("specversion"))?;
    expect("id", event.id().as_str(), attribute("id"))?;
    expect("source", event.source().as_str(), attribute("source"))?;
    expect("type", event.ty(), attribute("type"))?;
    expect(
        "subject",
        event.subject().id().as_str(),
        attribute("subject"),
    )?;
    Ok(json!({
        "type": event.ty(),
        "id": event.id(),
        "source": event.source().as_str(),
        "subject": event.subject().id(),
        "version": event.version(),
        "attributes": attributes,
        "event": serde_json::to_value(&event).map_err(|error| error.to_string())?,
    }))
}
