{{/* Names of the accounts, as a JSON list; the demo has one of its own. */}}
{{- define "celigo-exporter.accountNames" -}}
{{- $names := list -}}
{{- range .Values.accounts -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- ternary (list "demo") $names .Values.demo.enabled | toJson -}}
{{- end -}}

{{/* How often the account `name` is probed and how long that may take, as JSON. */}}
{{- define "celigo-exporter.probeTimes" -}}
{{- $probe := .root.Values.probe -}}
{{- $own := default dict (get $probe.accounts .name) -}}
{{- $times := dict "interval" (default $probe.interval $own.interval) -}}
{{- set $times "scrapeTimeout" (default $probe.scrapeTimeout $own.scrapeTimeout) | toJson -}}
{{- end -}}

{{/*
Name of the Probe of the account `name`. An account may be called anything: what of its name an object cannot have is
left out, and a part of its hash keeps it apart from others.
*/}}
{{- define "celigo-exporter.probeName" -}}
{{- $called := .name -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" .name) -}}
{{- $plain := regexReplaceAll "[^a-z0-9]+" (lower .name) "-" | trimAll "-" -}}
{{- $called = printf "%s-%s" $plain (sha256sum .name | trunc 10) | trimAll "-" -}}
{{- end -}}
{{- printf "%s-%s" (include "celigo-exporter.baseName" .root) $called -}}
{{- end -}}
