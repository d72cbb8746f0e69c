{{/* What the operator may do where it looks. It may read a Secret whose name it knows, and never list or watch any.
It asks for nothing on RBAC, nodes, or CRDs, and for no wildcard. */}}
{{- define "operator.rules" -}}
- apiGroups: [litellmdb.dev]
  resources: [litellmdatabases, postgresservers]
  verbs: [get, list, watch, patch]
- apiGroups: [litellmdb.dev]
  resources: [litellmdatabases/status, postgresservers/status]
  verbs: [patch]
# Migrations. Why a pod does not run stands in its status only.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Published Secrets, the migrator's, generated admin passwords; and admin Secrets by the name that a server gives.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch, delete]
# The namespace's uid is part of a database's mark.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
# Its own Events, counted instead of repeated; and the Job controller's, which alone say why there is no pod.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create, patch]
# Embedded servers.
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, create, patch, delete]
# Made by the StatefulSet; removed with deletionPolicy Delete.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, delete]
{{- end }}

{{/* One operator works, others stand by: https://kubernetes.io/docs/concepts/architecture/leases/ */}}
{{- define "operator.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
{{- end }}

{{/* The uid of the operator's own namespace is its identity, where none is set. */}}
{{- define "operator.ownNamespaceRules" -}}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- end }}

{{- define "operator.viewRules" -}}
- apiGroups: [litellmdb.dev]
  resources: [litellmdatabases]
  verbs: [get, list, watch]
{{- end }}

{{- define "operator.editRules" -}}
- apiGroups: [litellmdb.dev]
  resources: [litellmdatabases]
  verbs: [get, list, watch, create, update, patch, delete, deletecollection]
{{- end }}

{{/* Whoever may write a PostgresServer makes the operator connect to a host and prove a password to it, so that this
is granted by name. */}}
{{- define "operator.serverAdminRules" -}}
- apiGroups: [litellmdb.dev]
  resources: [postgresservers]
  verbs: [get, list, watch, create, update, patch, delete, deletecollection]
{{- end }}

{{/* A role: dict "root" $ "suffix" "-view" "rules" the name of its rules, "namespace" where it is for one only, and
"labels" where wanted. */}}
{{- define "operator.role" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "Role" "ClusterRole" (not (empty .namespace)) }}
metadata:
  {{- include "operator.metadata" . | nindent 2 }}
rules:
  {{- include .rules .root | nindent 2 }}
{{- end }}

{{/* The same, bound to the operator's account. */}}
{{- define "operator.boundRole" -}}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .namespace)) }}
{{- include "operator.role" . }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- include "operator.metadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ printf "%s%s" (include "operator.fullname" .root) (default "" .suffix) | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "operator.serviceAccountName" .root | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
