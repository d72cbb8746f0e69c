{{/* The API server refuses another server, too; but by then Helm has a failed revision without the former server, and
an uninstallation of that leaves it behind. Dict "root" $ "name" "…" "wanted" of serverRef. */}}
{{- define "database.checkServer" -}}
{{- if .root.Capabilities.APIVersions.Has "litellmdb.dev/v1alpha1/LiteLLMDatabase" }}
{{- with lookup "litellmdb.dev/v1alpha1" "LiteLLMDatabase" .root.Release.Namespace .name }}
{{- if ne (toJson .spec.serverRef) (toJson $.wanted) }}
{{- fail (printf "LiteLLMDatabase %s is on the server %s, which cannot be changed to %s: leave server and database.serverRef as they were, or install another release" $.name (toJson .spec.serverRef) (toJson $.wanted)) }}
{{- end }}
{{- if eq $.root.Values.server.mode "none" }}
{{- include "database.checkServerStays" (dict "root" $.root "name" (get (default (dict) .metadata.annotations) "chart.litellmdb.dev/server")) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A server that goes out of a release is deleted, and a deletion cannot be taken back: the database would be left on
a server that ends with it. Only the annotation on the database says that there was one: who may write databases alone
may not look for servers. */}}
{{- define "database.checkServerStays" -}}
{{- if .name }}
{{- with lookup "litellmdb.dev/v1alpha1" "PostgresServer" .root.Release.Namespace .name }}
{{- $annotations := default (dict) .metadata.annotations }}
{{- if and (eq (get $annotations "meta.helm.sh/release-name") $.root.Release.Name) (ne (get $annotations "helm.sh/resource-policy") "keep") }}
{{- fail (printf "PostgresServer %s is this release's, and this would delete it below its databases: set keep first (--set keep=true, with server as it was), then take it out" $.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
