{{/* What all objects are called, or begin with: the release, which is a reelport in any case. */}}
{{- define "reelport.name" -}}
{{- if contains "reelport" .Release.Name }}{{ .Release.Name | trunc 40 }}{{ else }}{{ printf "%s-reelport" .Release.Name | trunc 40 }}{{ end -}}
{{- end }}

{{/* What tells the pods of this release from others. Never changes within the life of a release. */}}
{{- define "reelport.selector" -}}
app.kubernetes.io/name: reelport
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "reelport.labels" -}}
{{ include "reelport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "reelport.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "reelport.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "reelport.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}
