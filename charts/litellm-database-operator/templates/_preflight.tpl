{{/* Where an operator looks, as its setting says it: empty is everywhere. Two do the same work where they meet. */}}
{{- define "operator.meets" -}}
{{- $mine := .mine }}{{- $other := compact (splitList "," .other) }}
{{- if or (empty $mine) (empty $other) }}true
{{- else }}{{- range $mine }}{{- if has . $other }}true{{- end }}{{- end }}
{{- end }}
{{- end }}

{{/* Refuse beside an operator that does the same work: by hand, or of another release. The one that this release
makes is known by its name, and after a change of its name by Helm's annotations. */}}
{{- define "operator.refuseAnother" -}}
{{- $root := . }}
{{- $key := printf "%s/%s" .Release.Namespace (include "operator.fullname" .) }}
{{- $release := printf "%s/%s" .Release.Namespace .Release.Name }}
{{- range (lookup "apps/v1" "Deployment" "" "").items }}
  {{- $meta := .metadata }}{{- $found := printf "%s/%s" $meta.namespace $meta.name }}
  {{- $notes := default (dict) $meta.annotations }}
  {{- $by := printf "%s/%s" (get $notes "meta.helm.sh/release-namespace") (get $notes "meta.helm.sh/release-name") }}
  {{- range .spec.template.spec.containers }}
    {{- $env := dict }}{{- range .env }}{{- $_ := set $env .name (default "" .value) }}{{- end }}
    {{- if and (hasKey $env "LITELLMDB_IMAGE") (ne $found $key) (ne $by $release) }}
      {{- if include "operator.meets" (dict "mine" $root.Values.watchNamespaces "other" (default "" (get $env "LITELLMDB_WATCH_NAMESPACES"))) }}
        {{- $who := ternary "which was installed without Helm" (printf "of release %s" $by) (eq $by "/") }}
        {{- fail (printf "\n\nnothing was changed: Deployment %s, %s, is an operator for the same namespaces. Upgrade that one, or remove it first.\n" $found $who) }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Refuse a watched namespace that does not exist, where there is a cluster to ask. */}}
{{- define "operator.refuseMissingNamespaces" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}
  {{- range .Values.watchNamespaces }}
    {{- if not (lookup "v1" "Namespace" "" .) }}
      {{- fail (printf "\n\nnothing was changed: watchNamespaces names namespace %s, which does not exist. Create it first.\n" .) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Refuse a default server where the operator has no right to look. */}}
{{- define "operator.refuseServerOutOfSight" -}}
{{- $namespace := splitList "/" .Values.defaultServer | first }}
{{- if and .Values.watchNamespaces .Values.defaultServer (not (has $namespace .Values.watchNamespaces)) }}
  {{- fail (printf "\n\nnothing was changed: defaultServer is in namespace %s, which watchNamespaces does not name. Add it there.\n" $namespace) }}
{{- end }}
{{- end }}

{{/* Refuse to let Helm delete what this release no longer holds: CRDs that were installed with crds.keep false go, and
every resource with them, unless they are annotated first. Not under `preflight`, for it keeps data. */}}
{{- define "operator.refuseToDropCrds" -}}
{{- $release := printf "%s/%s" .Release.Namespace .Release.Name }}
{{- if and .Release.IsUpgrade (not .Values.crds.enabled) }}
  {{- range list "litellmdatabases.litellmdb.dev" "postgresservers.litellmdb.dev" }}
    {{- $notes := dig "metadata" "annotations" (dict) (lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" .) }}
    {{- $by := printf "%s/%s" (get $notes "meta.helm.sh/release-namespace") (get $notes "meta.helm.sh/release-name") }}
    {{- if and (eq $by $release) (ne (get $notes "helm.sh/resource-policy") "keep") }}
      {{- fail (printf "\n\nnothing was changed: without crds.enabled Helm would delete CRD %s and every resource of it. Upgrade once with crds.enabled=true and crds.keep=true first.\n" .) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Refuse to change the selector of the Deployment that is there: the API server would, half way through. */}}
{{- define "operator.refuseAnotherSelector" -}}
{{- $found := dig "spec" "selector" "matchLabels" (dict) (lookup "apps/v1" "Deployment" .Release.Namespace (include "operator.fullname" .)) }}
{{- if and $found (ne (toJson $found) (toJson (include "operator.selectorLabels" . | fromYaml))) }}
  {{- fail (printf "\n\nnothing was changed: Deployment %s/%s selects its pods by %s, which cannot change. Leave nameOverride as it was, or remove the Deployment first.\n" .Release.Namespace (include "operator.fullname" .) (toJson $found)) }}
{{- end }}
{{- end }}
