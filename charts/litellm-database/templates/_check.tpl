{{/* The API server refuses another server, too; but by then Helm has a failed revision without the former server, and
an uninstallation of that leaves it behind. Dict "root" $ "name" "…" "wanted" of serverRef. */}}
{{- define "database.checkServer" -}}
{{- if .root.Capabilities.APIVersions.Has "litellmdb.dev/v1alpha1/LiteLLMDatabase" }}
{{- with lookup "litellmdb.dev/v1alpha1" "LiteLLMDatabase" .root.Release.Namespace .name }}
{{- if ne (toJson .spec.serverRef) (toJson $.wanted) }}
{{- fail (printf "LiteLLMDatabase %s is on the server %s, which cannot be changed to %s: leave server and database.serverRef as they were, or install another release" $.name (toJson .spec.serverRef) (toJson $.wanted)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
