{{/* The name of both resources: the release's own, so that a release `gateway` publishes Secret gateway-db. It is not
cut: a name that is cut may be another release's. */}}
{{- define "database.name" -}}
{{- $given := ternary (printf "%s-%s" .Release.Name .Values.nameOverride) .Release.Name (not (empty .Values.nameOverride)) }}
{{- include "database.checked" (dict "name" (default $given .Values.fullnameOverride) "pattern" "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" "value" "fullnameOverride") }}
{{- end }}

{{- define "database.serverName" -}}
{{- include "database.checked" (dict "name" (default (include "database.name" .) .Values.server.name) "pattern" "^[a-z]([-a-z0-9]*[a-z0-9])?$" "value" "server.name") }}
{{- end }}

{{- define "database.checked" -}}
{{- if gt (len .name) 40 }}
{{- fail (printf "the name %q has %d characters, and may have 40: set %s" .name (len .name) .value) }}
{{- end }}
{{- if not (regexMatch .pattern .name) }}
{{- fail (printf "%q cannot name the resource, as it does not match %s: set %s" .name .pattern .value) }}
{{- end }}
{{- .name }}
{{- end }}

{{- define "database.secretName" -}}
{{- default (printf "%s-db" (include "database.name" .)) .Values.database.secret.name }}
{{- end }}

{{/* What makes Helm, Argo CD and Flux keep a resource, where that is wanted. Options of Argo CD that are asked for
elsewhere stay: they are one annotation, with commas between. */}}
{{- define "database.keptBy" -}}
{{- if .Values.keep }}
{{- $options := compact (list (get .Values.commonAnnotations "argocd.argoproj.io/sync-options") "Prune=false,Delete=false") }}
helm.sh/resource-policy: keep
argocd.argoproj.io/sync-options: {{ join "," $options | quote }}
kustomize.toolkit.fluxcd.io/prune: disabled
{{- end }}
{{- end }}

{{/* Metadata of a resource: dict "root" $ "name" "…", and "annotations" where wanted. */}}
{{- define "database.metadata" -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
{{- $labels := dict "app.kubernetes.io/name" .root.Chart.Name "app.kubernetes.io/instance" .root.Release.Name }}
{{- $_ := set $labels "app.kubernetes.io/version" .root.Chart.AppVersion }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service }}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") }}
{{- toYaml (merge $labels .root.Values.commonLabels) | nindent 2 }}
{{- with merge (dict) (default (dict) .annotations) (fromYaml (include "database.keptBy" .root)) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
