{{- /* True where shards are counted by --total-shards: with a kubeconfig the API server may not be the one that has the StatefulSet. */ -}}
{{- define "ksm-shard.fixed" -}}
{{- if .Values.kubeconfig.enabled -}}true{{- end -}}
{{- end }}

{{- /* True where the ports speak TLS. */ -}}
{{- define "ksm-shard.tls" -}}
{{- $found := .Values.webConfig.secret -}}
{{- range .Values.extraArgs -}}
{{- if regexMatch "^--?tls-config(=|$)" (toString .) -}}
{{- $found = "true" -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{- /* Timestamps are for a Prometheus that drops the label instance, as our monitors have it do, and not for annotations. */ -}}
{{- define "ksm-shard.timestamps" -}}
{{- $prometheus := .Values.prometheus -}}
{{- if or $prometheus.monitor.enabled $prometheus.scrapeconfig.enabled (not .Values.prometheusScrape) -}}
{{- if .Values.handoverTimestamps -}}true{{- end -}}
{{- end -}}
{{- end }}

{{- define "ksm-shard.args" -}}
{{- $times := include "ksm-shard.times" . | fromYaml -}}
{{- $port := .Values.service.port | default 8080 | int -}}
{{- $args := list -}}
{{- if include "ksm-shard.fixed" . -}}
{{- $args = append $args "--shard=$(POD_INDEX)" -}}
{{- $args = append $args (printf "--total-shards=%d" (include "ksm-shard.replicas" . | int)) -}}
{{- else -}}
{{- $args = concat $args (list "--pod=$(POD_NAME)" "--pod-namespace=$(POD_NAMESPACE)") -}}
{{- end -}}
{{- if include "ksm-shard.timestamps" . -}}
{{- $args = append $args "--handover-timestamps" -}}
{{- end -}}
{{- if ne $times.interval 30.0 -}}
{{- $args = append $args (printf "--scrape-interval=%ds" (int $times.interval)) -}}
{{- end -}}
{{- if $times.handover -}}
{{- $args = append $args (printf "--handover-period=%ds" (int $times.handover)) -}}
{{- end -}}
{{- with .Values.drainPeriod -}}
{{- $args = append $args (printf "--drain-period=%s" .) -}}
{{- end -}}
{{- if ne $port 8080 -}}
{{- $args = append $args (printf "--port=%d" $port) -}}
{{- end -}}
{{- with .Values.selfMonitor.telemetryHost -}}
{{- $args = append $args (printf "--telemetry-host=%s" .) -}}
{{- end -}}
{{- if ne (include "ksm-shard.telemetryPort" . | int) 8081 -}}
{{- $args = append $args (printf "--telemetry-port=%s" (include "ksm-shard.telemetryPort" .)) -}}
{{- end -}}
{{- if not (include "ksm-shard.usualCollectors" .) -}}
{{- $args = append $args (printf "--resources=%s" (include "ksm-shard.collectors" . | fromYamlArray | join ",")) -}}
{{- end -}}
{{- with include "ksm-shard.namespaces" . | fromYamlArray -}}
{{- $args = append $args (printf "--namespaces=%s" (join "," .)) -}}
{{- end -}}
{{- with .Values.namespacesDenylist -}}
{{- $args = append $args (printf "--namespaces-denylist=%s" (tpl (join "," .) $)) -}}
{{- end -}}
{{- range $flag, $values := dict
  "metric-allowlist" .Values.metricAllowlist
  "metric-denylist" .Values.metricDenylist
  "metric-labels-allowlist" .Values.metricLabelsAllowlist
  "metric-annotations-allowlist" .Values.metricAnnotationsAllowList -}}
{{- with $values -}}
{{- $args = append $args (printf "--%s=%s" $flag (join "," .)) -}}
{{- end -}}
{{- end -}}
{{- if .Values.kubeconfig.enabled -}}
{{- $args = append $args "--kubeconfig=/opt/k8s/.kube/config" -}}
{{- end -}}
{{- if .Values.customResourceState.enabled -}}
{{- $args = append $args (printf "--custom-resource-state-config-file=/etc/customresourcestate/%s" .Values.customResourceState.key) -}}
{{- end -}}
{{- if .Values.webConfig.secret -}}
{{- $args = append $args (printf "--tls-config=/etc/ksm-shard/%s" .Values.webConfig.key) -}}
{{- end -}}
{{- if .Values.authFilter.enabled -}}
{{- $args = append $args "--auth-filter" -}}
{{- end -}}
{{- concat $args .Values.extraArgs | toYaml -}}
{{- end }}

{{- define "ksm-shard.telemetryPort" -}}
{{- .Values.selfMonitor.telemetryPort | default 8081 | int -}}
{{- end }}

{{- /* Empty where the field is left to whoever scales. */ -}}
{{- define "ksm-shard.replicas" -}}
{{- if not (kindIs "invalid" .Values.replicas) -}}
{{- ternary .Values.replicas 1 .Values.autosharding.enabled | int -}}
{{- else if include "ksm-shard.fixed" . -}}
1
{{- end -}}
{{- end }}
