// Command knative asks the filters of Knative Eventing which Triggers let a CloudEvent through.
//
// A line of standard input is {"objects", "headers", "body"}, the answer to it is a line of standard output.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"go.uber.org/zap"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	"knative.dev/eventing/pkg/apis/feature"
	"knative.dev/eventing/pkg/eventfilter"
	"knative.dev/eventing/pkg/eventfilter/attributes"
	"knative.dev/eventing/pkg/eventfilter/subscriptionsapi"

	"flux-cdevents/interop/lines"
)

type question struct {
	Objects []json.RawMessage `json:"objects"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

type answer struct {
	Error  string          `json:"error,omitempty"`
	Passed map[string]bool `json:"passed"`
}

func readEvent(q question) (*event.Event, error) {
	header := lines.HeaderOf(q.Headers)
	request := &http.Request{Method: http.MethodPost, Header: header, Body: nopCloser{strings.NewReader(q.Body)}}
	message := cehttp.NewMessageFromHttpRequest(request)
	read, err := binding.ToEvent(context.Background(), message)
	if err != nil {
		return nil, err
	}
	return read, read.Validate()
}

type nopCloser struct{ *strings.Reader }

func (nopCloser) Close() error { return nil }

// loadTriggers refuses fields that the types do not have, and what the admission webhook refuses.
func loadTriggers(raws []json.RawMessage) ([]*eventingv1.Trigger, error) {
	flags, err := feature.NewFlagsConfigFromMap(map[string]string{})
	if err != nil {
		return nil, err
	}
	ctx := feature.ToContext(context.Background(), flags)
	var triggers []*eventingv1.Trigger
	for _, raw := range raws {
		apiVersion, kind, err := lines.KindOf(raw)
		if err != nil {
			return nil, err
		}
		if apiVersion != "eventing.knative.dev/v1" {
			continue
		}
		switch kind {
		case "Broker":
			if err := lines.DecodeStrictly(raw, &eventingv1.Broker{}); err != nil {
				return nil, fmt.Errorf("Broker: %w", err)
			}
		case "Trigger":
			trigger := &eventingv1.Trigger{}
			if err := lines.DecodeStrictly(raw, trigger); err != nil {
				return nil, fmt.Errorf("Trigger: %w", err)
			}
			trigger.SetDefaults(ctx)
			if err := trigger.Validate(ctx); err != nil {
				return nil, fmt.Errorf("Trigger %s: %w", trigger.Name, err)
			}
			triggers = append(triggers, trigger)
		default:
			return nil, fmt.Errorf("%s is no kind of Knative Eventing", kind)
		}
	}
	return triggers, nil
}

// filterOf is the broker's choice: filters before filter, and everything where there is neither.
func filterOf(trigger *eventingv1.Trigger) eventfilter.Filter {
	switch {
	case len(trigger.Spec.Filters) > 0:
		return subscriptionsapi.CreateSubscriptionsAPIFilters(zap.NewNop(), trigger.Spec.Filters)
	case trigger.Spec.Filter != nil:
		return attributes.NewAttributesFilter(trigger.Spec.Filter.Attributes)
	}
	return subscriptionsapi.NewNoFilter()
}

func reply(q question) answer {
	triggers, err := loadTriggers(q.Objects)
	if err != nil {
		return answer{Error: err.Error()}
	}
	read, err := readEvent(q)
	if err != nil {
		return answer{Error: err.Error()}
	}
	passed := map[string]bool{}
	for _, trigger := range triggers {
		filter := filterOf(trigger)
		passed[trigger.Name] = filter.Filter(context.Background(), *read) != eventfilter.FailFilter
		filter.Cleanup()
	}
	return answer{Passed: passed}
}

func main() {
	lines.Answer(reply)
}
