{{/* Seconds of a duration such as 1h30m. */}}
{{- define "celigo-exporter.seconds" -}}
{{- $units := dict "w" 604800 "d" 86400 "h" 3600 "m" 60 "s" 1 -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[wdhms]" . -1 -}}
{{- $seconds = add $seconds (mul (regexFind "[0-9]+" . | atoi) (get $units (regexFind "[wdhms]" .))) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{/* The duration of so many seconds, as `celigo-exporter rules export` writes it. */}}
{{- define "celigo-exporter.duration" -}}
{{- $rest := . | int64 -}}
{{- range list (list "d" 86400) (list "h" 3600) (list "m" 60) (list "s" 1) -}}
{{- $count := div $rest (last .) -}}
{{- if $count -}}{{- $count -}}{{- first . -}}{{- end -}}
{{- $rest = mod $rest (last .) -}}
{{- end -}}
{{- end -}}

{{/* Every threshold by name, as text: the bundled ones and what `thresholds` changes. JSON. */}}
{{- define "celigo-exporter.thresholds" -}}
{{- $texts := dict -}}
{{- range $name, $known := .Files.Get "files/thresholds.json" | fromJson -}}
{{- $text := $known.default -}}
{{- if hasKey $.Values.thresholds $name -}}
{{- $given := get $.Values.thresholds $name -}}
{{- $text = ternary $given (toJson $given) (kindIs "string" $given) -}}
{{- if contains "%{" $text -}}
{{- fail (printf "thresholds.%s: %%{ stands for a place in the rules and cannot be in a threshold" $name) -}}
{{- end -}}
{{- if $known.most -}}
{{- $seconds := include "celigo-exporter.seconds" $text | atoi -}}
{{- if or (lt $seconds 1) (gt $seconds (int $known.most)) -}}
{{- fail (printf "thresholds.%s: expected a duration from 1s to %s" $name (include "celigo-exporter.duration" $known.most)) -}}
{{- end -}}
{{- $text = include "celigo-exporter.duration" $seconds -}}
{{- end -}}
{{- else if and (eq $name "job") $.Values.nameOverride -}}
{{- $text = include "celigo-exporter.name" $ -}}
{{- end -}}
{{- $_ := set $texts $name $text -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}

{{/*
The JSON `text` with a threshold in every place: %{name}, %{name.seconds} for a duration as a number of seconds,
%{name.percent} for a share in percent. With `numbers`, a string that is nothing but a place becomes a number. It is
text that is replaced, never a template that is evaluated: rules and dashboards have braces of their own.
*/}}
{{- define "celigo-exporter.filled" -}}
{{- $text := .text -}}
{{- $numbers := .numbers -}}
{{- $texts := .thresholds -}}
{{- range regexFindAll "%\\{[a-z_0-9]+(\\.seconds|\\.percent)?\\}" .text -1 | uniq -}}
{{- $parts := trimPrefix "%{" . | trimSuffix "}" | splitList "." -}}
{{- $said := get $texts (first $parts) -}}
{{- if eq (last $parts) "seconds" -}}
{{- $said = include "celigo-exporter.seconds" $said -}}
{{- else if eq (last $parts) "percent" -}}
{{- $said = printf "%.6g %%" (mulf 100 (float64 $said)) -}}
{{- end -}}
{{- if $numbers -}}
{{- $text = replace (quote .) $said $text -}}
{{- end -}}
{{- $text = replace . (toJson $said | trimPrefix "\"" | trimSuffix "\"") $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}
