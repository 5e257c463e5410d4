{{- /* What cannot be had, each with what to do instead. Nothing is rendered. */ -}}
{{- define "ksm-shard.rejected" -}}
{{- $values := .Values -}}
{{- $service := $values.service -}}
{{- $monitor := $values.prometheus.monitor -}}
{{- if hasSuffix "kube-state-metrics" $values.image.repository -}}
{{- fail (printf "image.repository: %s is another program: name an image of ksm-shard" $values.image.repository) -}}
{{- end -}}
{{- if $values.kubeRBACProxy.enabled -}}
{{- fail "kubeRBACProxy.enabled: ksm-shard checks tokens itself: set authFilter.enabled, and webConfig.secret for TLS" -}}
{{- end -}}
{{- if eq $values.updateStrategy "Recreate" -}}
{{- fail "updateStrategy: a StatefulSet has no Recreate: leave RollingUpdate, shards cover for each other" -}}
{{- end -}}
{{- if or (ne $service.type "ClusterIP") (not (has $service.clusterIP (list "" "None"))) -}}
{{- fail "service.type, service.clusterIP: the Service is headless, as each shard has other series: put a Service of your own into extraManifests" -}}
{{- end -}}
{{- if or $service.nodePort $values.selfMonitor.telemetryNodePort -}}
{{- fail "service.nodePort, selfMonitor.telemetryNodePort: a node's port leads to any one shard: scrape the pods (prometheus.monitor.enabled)" -}}
{{- end -}}
{{- if or $service.loadBalancerIP $service.loadBalancerSourceRanges -}}
{{- fail "service.loadBalancerIP, service.loadBalancerSourceRanges: a load balancer leads to any one shard: scrape the pods (prometheus.monitor.enabled)" -}}
{{- end -}}
{{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" -}}
{{- $get := (get $values $probe).httpGet | default dict -}}
{{- if or $get.path $get.port -}}
{{- fail (printf "%s.httpGet: path and port are fixed, as hand-overs depend on them: leave both out" $probe) -}}
{{- end -}}
{{- end -}}
{{- if and $values.metricAllowlist $values.metricDenylist -}}
{{- fail "metricAllowlist, metricDenylist: they cannot be combined: leave one empty" -}}
{{- end -}}
{{- if and (not $values.rbac.useClusterRole) (not (include "ksm-shard.namespaces" . | fromYamlArray)) -}}
{{- fail "rbac.useClusterRole: without a ClusterRole name what to read: set namespaces or releaseNamespace" -}}
{{- end -}}
{{- if and $values.kubeconfig.enabled (not $values.kubeconfig.secret) -}}
{{- fail "kubeconfig.secret: kubeconfig.enabled needs the file, base64-encoded: set it" -}}
{{- end -}}
{{- if and $values.prometheusRule.enabled (not $values.selfMonitor.enabled) -}}
{{- fail "prometheusRule.enabled: the alerts are about the exporter's own metrics: set selfMonitor.enabled" -}}
{{- end -}}
{{- if regexMatch "^(127\\.|localhost$|::1$)" ($values.selfMonitor.telemetryHost | default "") -}}
{{- fail "selfMonitor.telemetryHost: the node's probes do not reach a loopback address: leave it out, and set networkPolicy.enabled or authFilter.enabled" -}}
{{- end -}}
{{- if ne $monitor.kind "ServiceMonitor" -}}
{{- range $endpoint := list $monitor $monitor.http $monitor.metrics -}}
{{- if or $endpoint.bearerTokenFile (($endpoint.tlsConfig | default dict).caFile) -}}
{{- fail "prometheus.monitor: a PodMonitor reads no bearerTokenFile and no caFile: set prometheus.monitor.kind to ServiceMonitor, or name Secrets" -}}
{{- end -}}
{{- end -}}
{{- if $monitor.targetLabels -}}
{{- fail "prometheus.monitor.targetLabels: a PodMonitor takes them from pods: use podTargetLabels, or set prometheus.monitor.kind to ServiceMonitor" -}}
{{- end -}}
{{- end -}}
{{- include "ksm-shard.lint" . -}}
{{- end }}

{{- /* Flags that the exporter does not know would only be found by pods that do not start. */ -}}
{{- define "ksm-shard.lint" -}}
{{- $facts := include "ksm-shard.facts" . | fromYaml -}}
{{- $flags := $facts.flags -}}
{{- $instead := dict
  "pod" "it is set" "pod-namespace" "it is set" "shard" "set replicas" "total-shards" "set replicas"
  "port" "set service.port" "telemetry-port" "set selfMonitor.telemetryPort"
  "scrape-interval" "set scrapeInterval" "handover-period" "set scrapeInterval" "drain-period" "set drainPeriod"
  "handover-timestamps" "set handoverTimestamps" "auth-filter" "set authFilter.enabled"
  "kubeconfig" "set kubeconfig.enabled" "resources" "set collectors" "namespaces" "set namespaces" -}}
{{- $isValue := false -}}
{{- range .Values.extraArgs -}}
{{- $word := toString . -}}
{{- if $isValue -}}
{{- $isValue = false -}}
{{- else -}}
{{- $flag := regexReplaceAll "(?s)^--?([^-=][^=]*)(=.*)?$" $word "${1}" -}}
{{- if hasKey $instead $flag -}}
{{- fail (printf "extraArgs: --%s: the rest of the chart has to know of it: %s" $flag (get $instead $flag)) -}}
{{- end -}}
{{- if hasKey $facts.former $flag -}}
{{- fail (printf "extraArgs: --%s: no such flag; it is --%s now" $flag (get $facts.former $flag)) -}}
{{- end -}}
{{- if not (hasKey $flags $flag) -}}
{{- fail (printf "extraArgs: %s: no such flag; docs/options.md has all" (trunc 60 $word)) -}}
{{- end -}}
{{- if and (eq $flag "host") (regexMatch "=(127\\.|localhost$|::1$)" $word) -}}
{{- fail "extraArgs: --host: the node's probes do not reach a loopback address: leave it out, and set networkPolicy.enabled or authFilter.enabled" -}}
{{- end -}}
{{- $isValue = and (get $flags $flag) (not (contains "=" $word)) -}}
{{- end -}}
{{- end -}}
{{- end }}
