{{/* Name of the application: a label of everything, and Prometheus' job. */}}
{{- define "celigo-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/*
Name of what there is once. 52 characters leave room for the hash that Kubernetes appends in a label of a StatefulSet's
Pod; a Service may have no dot in its name, a release may.
*/}}
{{- define "celigo-exporter.baseName" -}}
{{- $name := include "celigo-exporter.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | replace "." "-" | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of most objects, of a shard's if there are some. */}}
{{- define "celigo-exporter.fullname" -}}
{{- $suffix := ternary (printf "-shard-%s" .shard) "" (ne (default "" .shard) "") -}}
{{- printf "%s%s" (include "celigo-exporter.baseName" . | trunc (sub 52 (len $suffix) | int) | trimSuffix "-") $suffix -}}
{{- end -}}

{{- define "celigo-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "celigo-exporter.serviceAccountName" -}}
{{- $own := ternary (include "celigo-exporter.baseName" .) "default" .Values.serviceAccount.create -}}
{{- default $own .Values.serviceAccount.name -}}
{{- end -}}

{{/* What selects every Pod of the release, the exporter's and those of its tests. Never changes. */}}
{{- define "celigo-exporter.releaseSelector" -}}
app.kubernetes.io/name: {{ include "celigo-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* What selects the exporter's Pods alone, of a shard if there are some. Never changes: selectors cannot be updated. */}}
{{- define "celigo-exporter.selector" -}}
{{ include "celigo-exporter.releaseSelector" . }}
app.kubernetes.io/component: exporter
{{- with .shard }}
celigo-exporter/shard: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Labels of an object of `root`: what is recommended wins over commonLabels, and both over `labels`. */}}
{{- define "celigo-exporter.labels" -}}
{{- $root := .root -}}
{{- $own := fromYaml (include "celigo-exporter.releaseSelector" $root) -}}
{{- $_ := set $own "app.kubernetes.io/component" (default "exporter" .component) -}}
{{- $_ = set $own "app.kubernetes.io/part-of" "celigo-exporter" -}}
{{- $_ = set $own "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ = set $own "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- with $root.shard -}}
{{- $_ := set $own "celigo-exporter/shard" . -}}
{{- end -}}
{{- $chart := printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $_ = set $own "helm.sh/chart" $chart -}}
{{- merge $own $root.Values.commonLabels (default dict .labels) | toYaml -}}
{{- end -}}

{{/* The metadata of an object of `root`; `name`, `namespace`, `component`, `labels` and `annotations` may be given. */}}
{{- define "celigo-exporter.metadata" -}}
name: {{ default (include "celigo-exporter.fullname" .root) .name | quote }}
namespace: {{ default (include "celigo-exporter.namespace" .root) .namespace | quote }}
labels:
  {{- include "celigo-exporter.labels" . | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The image by digest, else by tag, else that of the chart's version. */}}
{{- define "celigo-exporter.image" -}}
{{- $image := .Values.image -}}
{{- $version := ternary (printf "@%s" $image.digest) (printf ":%s" (default .Chart.AppVersion $image.tag)) (ne $image.digest "") -}}
{{- printf "%s/%s%s" $image.registry $image.repository $version -}}
{{- end -}}
