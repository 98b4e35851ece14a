// Command argo asks the dependency filters of Argo Events which dependencies of a Sensor a request satisfies.
//
// A line of standard input is {"objects", "headers", "body"}, the answer to it is a line of standard output.
package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/eventsources/events"
	"github.com/argoproj/argo-events/pkg/sensors/dependencies"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"flux-cdevents/interop/lines"
)

type question struct {
	Objects []json.RawMessage `json:"objects"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

type answer struct {
	Error string `json:"error,omitempty"`
	// By dependency: why it is not satisfied.
	Refused map[string]string `json:"refused"`
	Passed  []string          `json:"passed"`
}

// eventOf is what a webhook EventSource makes of a request.
func eventOf(q question) (*v1alpha1.Event, error) {
	header := lines.HeaderOf(q.Headers)
	data, err := json.Marshal(&events.WebhookEventData{Header: header, Body: &q.Body})
	if err != nil {
		return nil, err
	}
	return &v1alpha1.Event{
		Context: &v1alpha1.EventContext{
			ID:              "an-event",
			Source:          "cdevents",
			SpecVersion:     "1.0",
			Type:            string(v1alpha1.WebhookEvent),
			DataContentType: "application/json",
			Subject:         "flux",
			Time:            metav1.Time{Time: time.Unix(0, 0)},
		},
		Data: data,
	}, nil
}

// loadDependencies refuses fields that the types do not have.
func loadDependencies(raws []json.RawMessage) ([]v1alpha1.EventDependency, error) {
	sources := map[string]*v1alpha1.EventSource{}
	var sensors []*v1alpha1.Sensor
	for _, raw := range raws {
		apiVersion, kind, err := lines.KindOf(raw)
		if err != nil {
			return nil, err
		}
		if apiVersion != "argoproj.io/v1alpha1" {
			continue
		}
		switch kind {
		case "EventSource":
			source := &v1alpha1.EventSource{}
			if err := lines.DecodeStrictly(raw, source); err != nil {
				return nil, fmt.Errorf("EventSource: %w", err)
			}
			sources[source.Name] = source
		case "Sensor":
			sensor := &v1alpha1.Sensor{}
			if err := lines.DecodeStrictly(raw, sensor); err != nil {
				return nil, fmt.Errorf("Sensor: %w", err)
			}
			sensors = append(sensors, sensor)
		default:
			return nil, fmt.Errorf("%s is no kind of Argo Events", kind)
		}
	}
	var found []v1alpha1.EventDependency
	for _, sensor := range sensors {
		for _, dependency := range sensor.Spec.Dependencies {
			source, ok := sources[dependency.EventSourceName]
			if !ok {
				return nil, fmt.Errorf("%s: no EventSource %s", dependency.Name, dependency.EventSourceName)
			}
			if _, ok := source.Spec.Webhook[dependency.EventName]; !ok {
				return nil, fmt.Errorf("%s: no webhook %s", dependency.Name, dependency.EventName)
			}
			found = append(found, dependency)
		}
	}
	return found, nil
}

func reply(q question) answer {
	found, err := loadDependencies(q.Objects)
	if err != nil {
		return answer{Error: err.Error()}
	}
	event, err := eventOf(q)
	if err != nil {
		return answer{Error: err.Error()}
	}
	result := answer{Refused: map[string]string{}, Passed: []string{}}
	for _, dependency := range found {
		ok, err := dependencies.Filter(event, dependency.Filters, dependency.FiltersLogicalOperator)
		switch {
		case err != nil:
			result.Refused[dependency.Name] = err.Error()
		case !ok:
			result.Refused[dependency.Name] = "filtered"
		default:
			result.Passed = append(result.Passed, dependency.Name)
		}
	}
	return result
}

func main() {
	lines.Answer(reply)
}
