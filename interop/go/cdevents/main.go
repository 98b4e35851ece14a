// Command cdevents reads CDEvents with the CDEvents SDK for Go, so that it can judge what others send.
//
// A line of standard input is {"version", "event"}, the answer to it is a line of standard output.
package main

import (
	"encoding/json"
	"fmt"

	"github.com/cdevents/sdk-go/pkg/api"
	"github.com/cdevents/sdk-go/pkg/api/v03"
	"github.com/cdevents/sdk-go/pkg/api/v04"
	"github.com/cdevents/sdk-go/pkg/api/v05"

	"flux-cdevents/interop/lines"
)

type question struct {
	Version string          `json:"version"`
	Event   json.RawMessage `json:"event"`
}

type answer struct {
	Error   string            `json:"error,omitempty"`
	Type    string            `json:"type,omitempty"`
	ID      string            `json:"id,omitempty"`
	Source  string            `json:"source,omitempty"`
	Subject string            `json:"subject,omitempty"`
	Event   api.CDEventReader `json:"event,omitempty"`
}

func read(q question) (api.CDEventReader, error) {
	switch q.Version {
	case "0.3":
		return v03.NewFromJsonBytes(q.Event)
	case "0.4":
		return v04.NewFromJsonBytes(q.Event)
	case "0.5":
		return v05.NewFromJsonBytes(q.Event)
	}
	return nil, fmt.Errorf("the SDK does not read version %s", q.Version)
}

// reply reads an event and makes a CloudEvent of it, which validates it by its schema and by the SDK's own rules.
func reply(q question) answer {
	event, err := read(q)
	if err != nil {
		return answer{Error: err.Error()}
	}
	cloudEvent, err := api.AsCloudEvent(event)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{
		Type:    cloudEvent.Type(),
		ID:      cloudEvent.ID(),
		Source:  cloudEvent.Source(),
		Subject: cloudEvent.Subject(),
		Event:   event,
	}
}

func main() {
	lines.Answer(reply)
}
