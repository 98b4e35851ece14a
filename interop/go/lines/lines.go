// Package lines is what the programs beside it have in common: questions in, a line each, and answers out.
package lines

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log"
	"net/http"
	"os"
)

// Answer reads questions from standard input, one JSON document a line, and writes the answer to each as a line.
func Answer[Question, Reply any](reply func(Question) Reply) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var question Question
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(reply(question)); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

// KindOf tells what a Kubernetes object is.
func KindOf(raw json.RawMessage) (apiVersion string, kind string, err error) {
	var meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	err = json.Unmarshal(raw, &meta)
	return meta.APIVersion, meta.Kind, err
}

// DecodeStrictly refuses fields that the type does not have.
func DecodeStrictly(raw json.RawMessage, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// HeaderOf makes the headers of a request.
func HeaderOf(values map[string]string) http.Header {
	header := http.Header{}
	for name, value := range values {
		header.Set(name, value)
	}
	return header
}
