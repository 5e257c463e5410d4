{{- define "ksm-shard.limits" -}}
{{- range $key := list "sampleLimit" "targetLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" }}
{{- with get $ $key }}
{{ $key }}: {{ . | int64 }}
{{- end }}
{{- end }}
{{- end }}

{{- /* One endpoint of a PodMonitor or ServiceMonitor. Takes a dict: root, port, job, own (values of the endpoint), interval, timeout.
What a scrape says of the cluster keeps its own labels, and gets only one: job. With instance, or another label that differs from shard
to shard, queries would see each change of the fleet. `up` keeps instance: it is dropped from samples only. */ -}}
{{- define "ksm-shard.endpoint" -}}
{{- $monitor := .root.Values.prometheus.monitor -}}
{{- $own := .own -}}
port: {{ .port }}
interval: {{ .interval }}
{{- with coalesce $own.scrapeTimeout $monitor.scrapeTimeout .timeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if eq .port "http" }}
honorLabels: {{ or $own.honorLabels $monitor.honorLabels | default false }}
honorTimestamps: true
{{- else if or $own.honorLabels $monitor.honorLabels }}
honorLabels: true
{{- end }}
{{- $scheme := coalesce $own.scheme $monitor.scheme (ternary "https" "" (not (empty (include "ksm-shard.tls" .root)))) }}
{{- with $scheme }}
scheme: {{ . }}
{{- end }}
{{- range $key := list "proxyUrl" "enableHttp2" "tlsConfig" "bearerTokenFile" "bearerTokenSecret" }}
{{- with get $own $key | default (get $monitor $key) }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
relabelings:
  {{- if not $monitor.jobLabel }}
  - targetLabel: job
    replacement: {{ .job }}
  {{- end }}
  - sourceLabels: [__meta_kubernetes_pod_name]
    targetLabel: instance
  {{- if eq .port "http" }}
  - action: labeldrop
    regex: container|endpoint|namespace|pod{{ if eq $monitor.kind "ServiceMonitor" }}|service{{ end }}
  {{- end }}
  {{- with $own.relabelings | default $monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $dropped := and (eq .port "http") .root.Values.handoverTimestamps }}
{{- $more := $own.metricRelabelings | default $monitor.metricRelabelings }}
{{- if or $dropped $more }}
metricRelabelings:
  {{- if $dropped }}
  - action: labeldrop
    regex: instance
  {{- end }}
  {{- with $more }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
