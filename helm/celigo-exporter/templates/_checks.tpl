{{/* What the schema cannot express. Each failure names the value and what to do. */}}
{{- define "celigo-exporter.checks" -}}
{{- include "celigo-exporter.checkAccounts" . -}}
{{- include "celigo-exporter.checkReplicas" . -}}
{{- include "celigo-exporter.checkShards" . -}}
{{- include "celigo-exporter.checkWeb" . -}}
{{- include "celigo-exporter.checkMonitoring" . -}}
{{- if .Values.probe.enabled -}}
{{- include "celigo-exporter.checkProbe" . -}}
{{- end -}}
{{- end -}}

{{- define "celigo-exporter.checkAccounts" -}}
{{- if and (not .Values.accounts) (not .Values.demo.enabled) -}}
{{- fail "accounts: name at least one account and the Secret with its token, or set demo.enabled" -}}
{{- end -}}
{{- if and .Values.accounts .Values.demo.enabled -}}
{{- fail "demo.enabled: the demo has an account of its own; leave accounts empty or the demo off" -}}
{{- end -}}
{{- if and .Values.config .Values.demo.enabled -}}
{{- fail "config: the demo reads no settings file; leave config empty or the demo off" -}}
{{- end -}}
{{- $names := list -}}
{{- range $index, $account := .Values.accounts -}}
{{- if has $account.name $names -}}
{{- fail (printf "accounts[%d].name: the name %q is taken by an account above" $index $account.name) -}}
{{- end -}}
{{- $names = append $names $account.name -}}
{{- if and $account.existingSecret $account.token_file -}}
{{- fail (printf "accounts[%d]: existingSecret and token_file exclude each other; give one of them" $index) -}}
{{- end -}}
{{- if not (or $account.existingSecret $account.token_file) -}}
{{- fail (printf "accounts[%d]: no token; name an existingSecret that holds it, or a token_file that you mount" $index) -}}
{{- end -}}
{{- if and $account.region $account.base_url -}}
{{- fail (printf "accounts[%d]: region and base_url exclude each other; give one of them" $index) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "celigo-exporter.checkReplicas" -}}
{{- $redis := .Values.state.redis -}}
{{- if and (gt (int .Values.replicas) 1) (not $redis.url) -}}
{{- fail "replicas: several exporters share accounts by state.redis.url; without it each would ask the API and count for itself" -}}
{{- end -}}
{{- if and $redis.url .Values.demo.enabled -}}
{{- fail "state.redis.url: the demo keeps nothing; leave it empty or the demo off" -}}
{{- end -}}
{{- if and (not $redis.url) (or $redis.username $redis.existingSecret.name $redis.tlsSecret.name) -}}
{{- fail "state.redis.url: the user, password or certificates are for a Redis that is not named" -}}
{{- end -}}
{{- if and $redis.username (not $redis.existingSecret.name) -}}
{{- fail "state.redis.existingSecret.name: a user has a password; name the Secret with it" -}}
{{- end -}}
{{- if and $redis.tlsSecret.clientCertificate (not $redis.tlsSecret.name) -}}
{{- fail "state.redis.tlsSecret.name: name the Secret with the client's certificate" -}}
{{- end -}}
{{- if and $redis.tlsSecret.name (not (hasPrefix "rediss://" $redis.url)) -}}
{{- fail "state.redis.url: certificates are for rediss://" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) .Values.serviceMonitor.enabled (not .Values.probe.enabled) -}}
{{- fail "probe.enabled: a ServiceMonitor alone would read every account from every replica; with Probes each account is read once, by the Service" -}}
{{- end -}}
{{- end -}}

{{- define "celigo-exporter.checkShards" -}}
{{- if gt (int .Values.shards) 1 -}}
{{- if .Values.demo.enabled -}}
{{- fail "shards: the demo has one account; leave it 1 or the demo off" -}}
{{- end -}}
{{- if .Values.state.persistence.existingClaim -}}
{{- fail "state.persistence.existingClaim: each shard has a file of its own; let the chart make the claims" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "celigo-exporter.checkWeb" -}}
{{- $web := .Values.web.config -}}
{{- if and (not $web.existingSecret.name) (or $web.tls $web.authentication $web.tlsSecret.name) -}}
{{- fail "web.config.existingSecret.name: TLS and authentication need a Secret with a web configuration file" -}}
{{- end -}}
{{- if and $web.tlsSecret.name (not $web.tls) -}}
{{- fail "web.config.tls: with a tlsSecret the web configuration file has a tls_server_config; say so with true" -}}
{{- end -}}
{{- end -}}

{{- define "celigo-exporter.checkMonitoring" -}}
{{- $monitor := .Values.serviceMonitor -}}
{{- if and $monitor.enabled .Values.web.config.authentication (not (or $monitor.basicAuth $monitor.authorization $monitor.tlsConfig)) -}}
{{- fail "serviceMonitor.basicAuth: web.config.authentication is on, so every scrape would be refused; give basicAuth, or tlsConfig with a client certificate" -}}
{{- end -}}
{{- if and $monitor.enabled (not .Values.service.enabled) -}}
{{- fail "service.enabled: a ServiceMonitor finds the exporter by its Service; switch both on or off" -}}
{{- end -}}
{{- $interval := include "celigo-exporter.seconds" $monitor.interval | atoi -}}
{{- if and $monitor.enabled (gt (include "celigo-exporter.seconds" $monitor.scrapeTimeout | atoi) $interval) -}}
{{- fail "serviceMonitor.scrapeTimeout: longer than serviceMonitor.interval" -}}
{{- end -}}
{{- end -}}

{{- define "celigo-exporter.checkProbe" -}}
{{- $probe := .Values.probe -}}
{{- if not .Values.service.enabled -}}
{{- fail "service.enabled: a Probe asks the exporter through its Service; switch both on or off" -}}
{{- end -}}
{{- if and .Values.web.config.authentication (not (or $probe.basicAuth $probe.authorization $probe.tlsConfig)) -}}
{{- fail "probe.basicAuth: web.config.authentication is on, so every scrape would be refused; give basicAuth, or tlsConfig with a client certificate" -}}
{{- end -}}
{{- $taken := .Files.Get "files/labels.json" | fromJsonArray -}}
{{- range $index, $relabeling := $probe.relabelings -}}
{{- if has $relabeling.targetLabel $taken -}}
{{- fail (printf "probe.relabelings[%d].targetLabel: the exporter has a label %q, which would be renamed and found by no rule; use another name" $index $relabeling.targetLabel) -}}
{{- end -}}
{{- end -}}
{{- $names := include "celigo-exporter.accountNames" . | fromJsonArray -}}
{{- range $name := keys $probe.accounts | sortAlpha -}}
{{- if not (has $name $names) -}}
{{- fail (printf "probe.accounts: there is no account %q; known: %s" $name (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- range $index, $name := $names -}}
{{- if regexMatch "[$][(][A-Za-z0-9_]+[)]" $name -}}
{{- fail (printf "accounts[%d].name: a name with $(...) cannot be probed, because the Prometheus operator takes it for a variable; use another name or switch probe.enabled off" $index) -}}
{{- end -}}
{{- $times := include "celigo-exporter.probeTimes" (dict "root" $ "name" $name) | fromJson -}}
{{- if gt (include "celigo-exporter.seconds" $times.scrapeTimeout | atoi) (include "celigo-exporter.seconds" $times.interval | atoi) -}}
{{- $where := ternary (printf "probe.accounts[%q]" $name) "probe" (hasKey $probe.accounts $name) -}}
{{- fail (printf "%s.scrapeTimeout: %s is longer than the interval, %s" $where $times.scrapeTimeout $times.interval) -}}
{{- end -}}
{{- end -}}
{{- end -}}
