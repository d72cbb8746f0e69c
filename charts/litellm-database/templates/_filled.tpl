{{/* The part of some values that is not empty, as YAML: empty texts, lists, objects and nulls are left out at every
depth, false and 0 stay. What people name is taken whole, there an empty text has a meaning, and so are lists. */}}
{{- define "database.filled" -}}
{{- $whole := list "labels" "annotations" "keys" "nodeSelector" "selector" }}
{{- $filled := dict }}
{{- range $key, $value := . }}
{{- if and (kindIs "map" $value) (not (has $key $whole)) }}
{{- $value = fromYaml (include "database.filled" $value) }}
{{- end }}
{{- if or (kindIs "bool" $value) (kindIs "int64" $value) (kindIs "float64" $value) (not (empty $value)) }}
{{- $_ := set $filled $key $value }}
{{- end }}
{{- end }}
{{- toYaml $filled }}
{{- end }}
