{{- define "celigo-exporter.tokensFolder" -}}
/var/run/secrets/celigo-exporter/tokens
{{- end -}}

{{- define "celigo-exporter.webFolder" -}}
/var/run/secrets/celigo-exporter/web
{{- end -}}

{{- define "celigo-exporter.redisFolder" -}}
/var/run/secrets/celigo-exporter/redis
{{- end -}}

{{/* The section `state`: a Redis, or the file on the volume. */}}
{{- define "celigo-exporter.state" -}}
{{- $redis := .Values.state.redis -}}
{{- $folder := include "celigo-exporter.redisFolder" . -}}
{{- $state := dict "path" "/var/lib/celigo-exporter/state.db" -}}
{{- if $redis.url -}}
{{- $state = dict "url" $redis.url "key_prefix" $redis.keyPrefix "lease" $redis.lease "alone" $redis.alone -}}
{{- with $redis.username }}{{ $_ := set $state "username" . }}{{ end -}}
{{- if $redis.existingSecret.name }}{{ $_ := set $state "password_file" (printf "%s/password" $folder) }}{{ end -}}
{{- if $redis.tlsSecret.name }}{{ $_ := set $state "ca_file" (printf "%s/ca.crt" $folder) }}{{ end -}}
{{- if $redis.tlsSecret.clientCertificate -}}
{{- $_ := set $state "cert_file" (printf "%s/tls.crt" $folder) -}}
{{- $_ := set $state "key_file" (printf "%s/tls.key" $folder) -}}
{{- end -}}
{{- end -}}
{{- $state | toJson -}}
{{- end -}}

{{/* Port of the Redis. */}}
{{- define "celigo-exporter.redisPort" -}}
{{- regexFind ":[0-9]+(/|$)" (regexReplaceAll "^rediss?://" .Values.state.redis.url "") | trimPrefix ":" | trimSuffix "/" | default "6379" -}}
{{- end -}}

{{/*
The settings file: the accounts with the places of their tokens, where the state is, and `config` as it is. Go's YAML
leaves = and << without quotes, which mean something to others.
*/}}
{{- define "celigo-exporter.settings" -}}
{{- $folder := include "celigo-exporter.tokensFolder" . -}}
{{- $accounts := list -}}
{{- range .Values.accounts -}}
{{- $account := omit . "existingSecret" -}}
{{- with .existingSecret -}}
{{- $_ := set $account "token_file" (printf "%s/%s/%s" $folder .name (default "token" .key)) -}}
{{- end -}}
{{- $accounts = append $accounts $account -}}
{{- end -}}
{{- $own := dict "accounts" $accounts "state" (include "celigo-exporter.state" . | fromJson) -}}
{{- $text := merge $own .Values.config | toYaml -}}
{{- regexReplaceAll "(?m)^( *(?:- )*(?:[a-z_]+: )?)(=|<<)$" $text "${1}\"${2}\"" -}}
{{- end -}}

{{/* Sources of the volume with the tokens: each key of each Secret once, at SECRET/KEY. */}}
{{- define "celigo-exporter.tokenSources" -}}
{{- $secrets := dict -}}
{{- range .Values.accounts -}}
{{- with .existingSecret -}}
{{- $keys := append (default list (get $secrets .name)) (default "token" .key) | uniq -}}
{{- $_ := set $secrets .name $keys -}}
{{- end -}}
{{- end -}}
{{- $sources := list -}}
{{- range $name, $keys := $secrets -}}
{{- $items := list -}}
{{- range $keys -}}
{{- $items = append $items (dict "key" . "path" (printf "%s/%s" $name .)) -}}
{{- end -}}
{{- $sources = append $sources (dict "secret" (dict "name" $name "items" $items)) -}}
{{- end -}}
{{- toYaml $sources -}}
{{- end -}}

{{/* Ports of the accounts' hosts. */}}
{{- define "celigo-exporter.apiPorts" -}}
{{- $ports := list -}}
{{- range .Values.accounts -}}
{{- $port := regexFind ":[0-9]+$" (trimSuffix "/" (trimSuffix "/v1" (trimSuffix "/" (default "" .base_url)))) -}}
{{- $ports = append $ports (default "443" (trimPrefix ":" $port) | atoi) -}}
{{- end -}}
{{- default (list 443) $ports | uniq | toJson -}}
{{- end -}}

{{/* Names of the accounts' hosts, without ports; an address is no name. */}}
{{- define "celigo-exporter.apiHosts" -}}
{{- $regions := .Files.Get "files/regions.json" | fromJson -}}
{{- $hosts := list -}}
{{- range .Values.accounts -}}
{{- $url := default (get $regions (default "us" .region)) .base_url -}}
{{- $host := regexReplaceAll "^https?://([^/:]+).*$" $url "${1}" | lower -}}
{{- if regexMatch "[a-z]" $host -}}
{{- $hosts = append $hosts $host -}}
{{- end -}}
{{- end -}}
{{- uniq $hosts | toJson -}}
{{- end -}}
