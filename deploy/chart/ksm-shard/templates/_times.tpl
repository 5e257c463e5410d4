{{- /* Seconds of a duration such as 30s or 1m30s. Takes a dict: key, text. */ -}}
{{- define "ksm-shard.seconds" -}}
{{- $text := toString .text -}}
{{- if not (regexMatch "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$" $text) -}}
{{- fail (printf "%s: %q is no duration in hours, minutes and seconds, such as 1m30s" .key $text) -}}
{{- end -}}
{{- $sum := 0 -}}
{{- range $unit, $length := dict "h" 3600 "m" 60 "s" 1 -}}
{{- $sum = add $sum (mul (regexFind (printf "[0-9]+%s" $unit) $text | trimSuffix $unit | int) $length) -}}
{{- end -}}
{{- $sum -}}
{{- end }}

{{- define "ksm-shard.interval" -}}
{{- $monitor := .Values.prometheus.monitor -}}
{{- $config := .Values.prometheus.scrapeconfig -}}
{{- if $monitor.enabled -}}
{{- coalesce $monitor.http.interval $monitor.interval .Values.scrapeInterval -}}
{{- else if $config.enabled -}}
{{- coalesce $config.scrapeInterval .Values.scrapeInterval -}}
{{- else -}}
{{- .Values.scrapeInterval -}}
{{- end -}}
{{- end }}

{{- /* What follows from the scrape interval, in seconds. handover is 0 where the exporter's own default is right. */ -}}
{{- define "ksm-shard.times" -}}
{{- $interval := include "ksm-shard.seconds" (dict "key" "scrapeInterval" "text" (include "ksm-shard.interval" .)) | int -}}
{{- if lt $interval 1 -}}
{{- fail "scrapeInterval: must be a second at least" -}}
{{- end -}}
{{- /* 1.5 intervals, at least 15 s more than one: the default of --handover-period. */ -}}
{{- $usual := max (div (add (mul 3 $interval) 1) 2) (add $interval 15) -}}
{{- /* Others have to see in less than half of it that a shard is not Ready. */ -}}
{{- $probe := .Values.readinessProbe -}}
{{- $needed := add 1 (mul 2 ($probe.periodSeconds | default 10 | int) ($probe.failureThreshold | default 3 | int)) -}}
{{- $handover := max $usual $needed -}}
{{- $drain := add $handover $interval -}}
{{- with .Values.drainPeriod -}}
{{- $drain = include "ksm-shard.seconds" (dict "key" "drainPeriod" "text" .) | int -}}
{{- end -}}
interval: {{ $interval }}
timeout: {{ max 1 (div (mul $interval 5) 6) }}
handover: {{ ternary $handover 0 (gt $needed $usual) }}
{{- /* 15 s for the last answers. */}}
grace: {{ add $drain 15 }}
{{- end }}
