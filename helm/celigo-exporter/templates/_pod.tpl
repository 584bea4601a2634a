{{/*
What Kubernetes asks whether the exporter is well. Never /metrics, which may ask integrator.io. A kubelet has neither
password nor client certificate, so with authentication only the port is tried.
*/}}
{{- define "celigo-exporter.probe" -}}
{{- $web := .root.Values.web.config -}}
{{- if $web.authentication -}}
tcpSocket:
  port: http-metrics
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http-metrics
  scheme: {{ ternary "HTTPS" "HTTP" $web.tls }}
{{- end }}
{{ toYaml .timing }}
{{- end -}}

{{/* Arguments of the command. */}}
{{- define "celigo-exporter.args" -}}
{{- $args := list "serve" "--config.file=/etc/celigo-exporter/config.yml" -}}
{{- if .Values.demo.enabled -}}
{{- $args = list "demo" (printf "--flows=%d" (int .Values.demo.flows)) -}}
{{- end -}}
{{- $args = append $args (printf "--web.listen-address=:%d" (int .Values.web.port)) -}}
{{- $args = append $args (printf "--web.telemetry-path=%s" .Values.web.telemetryPath) -}}
{{- with .Values.web.externalUrl -}}
{{- $args = append $args (printf "--web.external-url=%s" .) -}}
{{- end -}}
{{- if .Values.web.config.existingSecret.name -}}
{{- $file := printf "%s/%s" (include "celigo-exporter.webFolder" .) .Values.web.config.existingSecret.key -}}
{{- $args = append $args (printf "--web.config.file=%s" $file) -}}
{{- end -}}
{{- $args = append $args (printf "--log.level=%s" .Values.log.level) -}}
{{- $args = append $args (printf "--log.format=%s" .Values.log.format) -}}
{{- concat $args .Values.extraArgs | toYaml -}}
{{- end -}}

{{/* Where the container sees settings, tokens, state and certificates. */}}
{{- define "celigo-exporter.mounts" -}}
- name: config
  mountPath: /etc/celigo-exporter
  readOnly: true
{{- if ne (include "celigo-exporter.tokenSources" .) "[]" }}
- name: tokens
  mountPath: {{ include "celigo-exporter.tokensFolder" . }}
  readOnly: true
{{- end }}
{{- end -}}

{{/* Volumes that the exporter and its tests share. */}}
{{- define "celigo-exporter.volumes" -}}
- name: config
  configMap:
    name: {{ include "celigo-exporter.fullname" . | quote }}
{{- $tokens := include "celigo-exporter.tokenSources" . }}
{{- if ne $tokens "[]" }}
- name: tokens
  projected:
    defaultMode: 0440
    sources:
      {{- $tokens | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Volumes of the exporter alone. */}}
{{- define "celigo-exporter.ownVolumes" -}}
{{- $persistence := .Values.state.persistence -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- $redis := .Values.state.redis }}
{{- if or $redis.existingSecret.name $redis.tlsSecret.name }}
- name: redis
  projected:
    defaultMode: 0440
    sources:
      {{- with $redis.existingSecret.name }}
      - secret:
          name: {{ . | quote }}
          items: [{key: {{ $redis.existingSecret.key | quote }}, path: password}]
      {{- end }}
      {{- with $redis.tlsSecret.name }}
      - secret:
          name: {{ . | quote }}
      {{- end }}
{{- end }}
{{- if not (or .Values.demo.enabled $redis.url) }}
{{- if and $persistence.enabled $persistence.existingClaim }}
- name: state
  persistentVolumeClaim:
    claimName: {{ $persistence.existingClaim | quote }}
{{- else if not $persistence.enabled }}
- name: state
  emptyDir:
    sizeLimit: {{ $persistence.size | quote }}
{{- end }}
{{- end }}
{{- if .Values.web.config.existingSecret.name }}
- name: web
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ .Values.web.config.existingSecret.name | quote }}
      {{- with .Values.web.config.tlsSecret.name }}
      - secret:
          name: {{ . | quote }}
      {{- end }}
{{- end }}
{{- end -}}

{{- define "celigo-exporter.container" -}}
name: exporter
image: {{ include "celigo-exporter.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  {{- include "celigo-exporter.args" . | nindent 2 }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: http-metrics
    containerPort: {{ .Values.web.port }}
    protocol: TCP
{{- range $kind, $path := dict "startupProbe" "/-/healthy" "livenessProbe" "/-/healthy" "readinessProbe" "/-/ready" }}
{{ $kind }}:
  {{- include "celigo-exporter.probe" (dict "root" $ "path" $path "timing" (get $.Values $kind)) | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if not .Values.demo.enabled }}
  {{- include "celigo-exporter.mounts" . | nindent 2 }}
  {{- $redis := .Values.state.redis }}
  {{- if not $redis.url }}
  - name: state
    mountPath: /var/lib/celigo-exporter
  {{- else if or $redis.existingSecret.name $redis.tlsSecret.name }}
  - name: redis
    mountPath: {{ include "celigo-exporter.redisFolder" . }}
    readOnly: true
  {{- end }}
  {{- end }}
  {{- if .Values.web.config.existingSecret.name }}
  - name: web
    mountPath: {{ include "celigo-exporter.webFolder" . }}
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* What the Pods of the exporter and of its tests have in common. */}}
{{- define "celigo-exporter.podBasics" -}}
serviceAccountName: {{ include "celigo-exporter.serviceAccountName" . | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "runtimeClassName" "dnsPolicy" "dnsConfig" "hostAliases" }}
{{- with get $.Values $field }}
{{ toYaml (dict $field .) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "celigo-exporter.podSpec" -}}
{{ include "celigo-exporter.podBasics" . }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - {{ include "celigo-exporter.container" . | indent 4 | trim }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  {{- if not .Values.demo.enabled }}
  {{- include "celigo-exporter.volumes" . | nindent 2 }}
  {{- end }}
  {{- include "celigo-exporter.ownVolumes" . | nindent 2 }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
