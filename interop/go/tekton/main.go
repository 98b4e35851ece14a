// Command tekton does with a CDEvent what an EventListener of Tekton Triggers does: it asks the CEL interceptor, and
// makes the resources of the template.
//
// A line of standard input is {"objects", "headers", "body"}, the answer to it is a line of standard output: one entry
// for each Trigger that lets the event through.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tektoncd/triggers/pkg/apis/triggers/contexts"
	triggersv1 "github.com/tektoncd/triggers/pkg/apis/triggers/v1beta1"
	"github.com/tektoncd/triggers/pkg/interceptors"
	"github.com/tektoncd/triggers/pkg/interceptors/cel"
	"github.com/tektoncd/triggers/pkg/template"
	"knative.dev/pkg/apis"

	"flux-cdevents/interop/lines"
)

type question struct {
	Objects []json.RawMessage `json:"objects"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

type started struct {
	Trigger   string            `json:"trigger"`
	Resources []json.RawMessage `json:"resources"`
}

type answer struct {
	Error   string            `json:"error,omitempty"`
	Started []started         `json:"started"`
	Refused map[string]string `json:"refused"`
}

type objects struct {
	triggers  []*triggersv1.Trigger
	bindings  map[string]*triggersv1.TriggerBinding
	templates map[string]*triggersv1.TriggerTemplate
}

type validatable interface {
	Validate(context.Context) *apis.FieldError
	SetDefaults(context.Context)
}

// load refuses fields that the types do not have, and what the admission webhook refuses.
func load(raw json.RawMessage, into validatable) error {
	if err := lines.DecodeStrictly(raw, into); err != nil {
		return err
	}
	into.SetDefaults(contexts.WithUpgradeViaDefaulting(context.Background()))
	if err := into.Validate(context.Background()); err != nil {
		return err
	}
	return nil
}

func loadAll(raws []json.RawMessage) (objects, error) {
	loaded := objects{
		bindings:  map[string]*triggersv1.TriggerBinding{},
		templates: map[string]*triggersv1.TriggerTemplate{},
	}
	for _, raw := range raws {
		apiVersion, kind, err := lines.KindOf(raw)
		if err != nil {
			return loaded, err
		}
		if apiVersion != "triggers.tekton.dev/v1beta1" {
			continue
		}
		switch kind {
		case "Trigger":
			trigger := &triggersv1.Trigger{}
			err = load(raw, trigger)
			loaded.triggers = append(loaded.triggers, trigger)
		case "TriggerBinding":
			binding := &triggersv1.TriggerBinding{}
			err = load(raw, binding)
			loaded.bindings[binding.Name] = binding
		case "TriggerTemplate":
			triggerTemplate := &triggersv1.TriggerTemplate{}
			err = load(raw, triggerTemplate)
			loaded.templates[triggerTemplate.Name] = triggerTemplate
		case "EventListener":
			err = load(raw, &triggersv1.EventListener{})
		default:
			err = fmt.Errorf("no kind of Tekton Triggers")
		}
		if err != nil {
			return loaded, fmt.Errorf("%s: %w", kind, err)
		}
	}
	return loaded, nil
}

func reply(q question) answer {
	loaded, err := loadAll(q.Objects)
	if err != nil {
		return answer{Error: err.Error()}
	}
	header := lines.HeaderOf(q.Headers)
	result := answer{Started: []started{}, Refused: map[string]string{}}
	for _, trigger := range loaded.triggers {
		extensions, refusal := intercept(trigger, header, q.Body)
		if refusal != "" {
			result.Refused[trigger.Name] = refusal
			continue
		}
		resources, err := loaded.resourcesOf(trigger, header, q.Body, extensions)
		if err != nil {
			return answer{Error: fmt.Sprintf("Trigger %s: %s", trigger.Name, err)}
		}
		result.Started = append(result.Started, started{Trigger: trigger.Name, Resources: resources})
	}
	return result
}

func intercept(trigger *triggersv1.Trigger, header http.Header, body string) (map[string]interface{}, string) {
	interceptor := cel.NewInterceptor(interceptors.DefaultSecretGetter(nil))
	extensions := map[string]interface{}{}
	for _, configured := range trigger.Spec.Interceptors {
		response := interceptor.Process(context.Background(), &triggersv1.InterceptorRequest{
			Body:              body,
			Header:            header,
			Extensions:        extensions,
			InterceptorParams: interceptors.GetInterceptorParams(configured),
			Context:           &triggersv1.TriggerContext{TriggerID: "namespace/ci/triggers/" + trigger.Name},
		})
		if !response.Continue {
			return nil, response.Status.Err().Error()
		}
		for name, value := range response.Extensions {
			extensions[name] = value
		}
	}
	return extensions, ""
}

func (o objects) resourcesOf(
	trigger *triggersv1.Trigger, header http.Header, body string, extensions map[string]interface{},
) ([]json.RawMessage, error) {
	resolved, err := template.ResolveTrigger(
		*trigger,
		func(name string) (*triggersv1.TriggerBinding, error) { return named(o.bindings, name) },
		func(name string) (*triggersv1.ClusterTriggerBinding, error) {
			return nil, fmt.Errorf("none named %s", name)
		},
		func(name string) (*triggersv1.TriggerTemplate, error) { return named(o.templates, name) },
	)
	if err != nil {
		return nil, err
	}
	params, err := template.ResolveParams(
		resolved, []byte(body), header, extensions, template.NewTriggerContext("an-event"),
	)
	if err != nil {
		return nil, err
	}
	return template.ResolveResources(resolved.TriggerTemplate, params), nil
}

func named[T any](of map[string]*T, name string) (*T, error) {
	if found, ok := of[name]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("none named %s", name)
}

func main() {
	lines.Answer(reply)
}
