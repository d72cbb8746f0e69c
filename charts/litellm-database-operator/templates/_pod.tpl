{{/* What the operator's pods and the pod of `helm test` have in common. */}}
{{- define "operator.podSettings" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The operator's settings; what is empty is not set. */}}
{{- define "operator.environment" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      apiVersion: v1 # the default, as server-side apply compares it
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.namespace
- name: LITELLMDB_IMAGE
  value: {{ include "operator.image" . | quote }}
{{- /* Where Kubernetes would not choose the same by itself. */}}
{{- if ne .Values.image.pullPolicy (ternary "Always" "IfNotPresent" (and (eq .Values.image.tag "latest") (empty .Values.image.digest))) }}
- name: LITELLMDB_IMAGE_PULL_POLICY
  value: {{ .Values.image.pullPolicy }}
{{- end }}
- name: LITELLMDB_POSTGRES_IMAGE
  value: {{ .Values.postgresImage | quote }}
- name: LITELLMDB_WORKERS
  value: {{ .Values.workers | toString | quote }}
- name: LITELLMDB_PROOF_HOURS
  value: {{ .Values.proofHours | toString | quote }}
- name: LITELLMDB_LOG_LEVEL
  value: {{ .Values.logLevel }}
{{- with .Values.identity }}
- name: LITELLMDB_IDENTITY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.defaultServer }}
- name: LITELLMDB_DEFAULT_SERVER
  value: {{ . | quote }}
{{- end }}
{{- with .Values.allowedServers }}
- name: LITELLMDB_ALLOWED_SERVERS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.watchNamespaces }}
- name: LITELLMDB_WATCH_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
