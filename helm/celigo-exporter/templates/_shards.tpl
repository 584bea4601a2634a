{{/*
The shard, from 0, of the account `name` when there are `count`: the same as the exporter's --shard and /sd?shard=. Of
the hash the first 52 bits count, as many as a number has here; the others only matter once in millions of millions.
*/}}
{{- define "celigo-exporter.shardOf" -}}
{{- $place := 0 -}}
{{- $movesAt := 0 -}}
{{- range until .count -}}
{{- if lt $movesAt $.count -}}
{{- $place = $movesAt -}}
{{- $drawn := int64 (printf "0x%s" (sha256sum (printf "%d:%s" $place $.name) | trunc 13)) -}}
{{- $movesAt = divf (mulf (add1 $place) 4503599627370496) (addf $drawn 0.5) | floor | int -}}
{{- end -}}
{{- end -}}
{{- $place -}}
{{- end -}}

{{/* The shards that have accounts, as a JSON list of `index` and names of `accounts`. Only without shards none is numbered. */}}
{{- define "celigo-exporter.shards" -}}
{{- $names := include "celigo-exporter.accountNames" . | fromJsonArray -}}
{{- $shards := list -}}
{{- if eq (int .Values.shards) 1 -}}
{{- $shards = list (dict "index" "" "accounts" $names) -}}
{{- else -}}
{{- $held := dict -}}
{{- range $names -}}
{{- $index := include "celigo-exporter.shardOf" (dict "name" . "count" (int $.Values.shards)) -}}
{{- $_ := set $held $index (append (default list (get $held $index)) .) -}}
{{- end -}}
{{- range $index := until (int .Values.shards) -}}
{{- with get $held (toString $index) -}}
{{- $shards = append $shards (dict "index" (toString $index) "accounts" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $shards -}}
{{- end -}}

{{/* Lets the dict `into` be what `root` is, for the Pods of one of its `shard`s. */}}
{{- define "celigo-exporter.enterShard" -}}
{{- $values := dict -}}
{{- range $key, $value := .root.Values -}}
{{- $_ := set $values $key $value -}}
{{- end -}}
{{- if .shard.index -}}
{{- $accounts := list -}}
{{- range .root.Values.accounts -}}
{{- if has .name $.shard.accounts -}}
{{- $accounts = append $accounts . -}}
{{- end -}}
{{- end -}}
{{- $_ := set $values "accounts" $accounts -}}
{{- end -}}
{{- range $key := list "Release" "Chart" "Capabilities" "Files" "Template" -}}
{{- $_ := set $.into $key (get $.root $key) -}}
{{- end -}}
{{- $_ := set .into "Values" $values -}}
{{- $_ := set .into "shard" .shard.index -}}
{{- end -}}

{{/* The objects that the template `part` makes of each shard of `root`. */}}
{{- define "celigo-exporter.eachShard" -}}
{{- range $shard := include "celigo-exporter.shards" .root | fromJsonArray }}
{{- $one := dict }}
{{- include "celigo-exporter.enterShard" (dict "root" $.root "shard" $shard "into" $one) }}
---
{{ include $.part $one }}
{{- end }}
{{- end -}}
