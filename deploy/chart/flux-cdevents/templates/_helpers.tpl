{{- define "flux-cdevents.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "flux-cdevents.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "flux-cdevents.podLabels" -}}
{{ include "flux-cdevents.selectorLabels" . }}
app.kubernetes.io/component: controller
app.kubernetes.io/part-of: flux-cdevents
{{- end -}}

{{- define "flux-cdevents.labels" -}}
{{ include "flux-cdevents.podLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "flux-cdevents.metadata" -}}
name: {{ include "flux-cdevents.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "flux-cdevents.labels" . | nindent 2 }}
{{- end -}}

{{- define "flux-cdevents.image" -}}
{{- $tag := .Values.image.tag | default (printf "v%s" .Chart.AppVersion) -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end -}}

{{/* The SPIFFE IDs that may post: those in the values, else those of the Flux controllers of this namespace. */}}
{{- define "flux-cdevents.spiffeArgs" -}}
{{- if .Values.mtls.authorizedSpiffeIds -}}
{{- range .Values.mtls.authorizedSpiffeIds }}
- {{ printf "--events-authorized-spiffe-id=%s" . | quote }}
{{- end -}}
{{- else -}}
{{- range list "source-controller" "source-watcher" "kustomize-controller" "helm-controller" "image-reflector-controller" "image-automation-controller" "notification-controller" "flux-operator" }}
- {{ printf "--events-authorized-spiffe-id=spiffe://%s/ns/$(RUNTIME_NAMESPACE)/sa/%s" $.Values.mtls.trustDomain . | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
