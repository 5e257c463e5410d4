{{- define "ksm-shard.facts" -}}
{{- .Files.Get "files/exporter.yaml" -}}
{{- end }}

{{- /* The exported resources, as a list. Without a ClusterRole those that no namespace holds cannot be read. */ -}}
{{- define "ksm-shard.collectors" -}}
{{- $known := (include "ksm-shard.facts" . | fromYaml).resources -}}
{{- $wanted := .Values.collectors -}}
{{- range .Values.collectorsExclude -}}
{{- $wanted = without $wanted . -}}
{{- end -}}
{{- $wanted = concat $wanted .Values.collectorsExtra | uniq -}}
{{- if not $wanted -}}
{{- range $name, $one := $known -}}
{{- if $one.default -}}
{{- $wanted = append $wanted $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found := list -}}
{{- range $wanted -}}
{{- if not (hasKey $known .) -}}
{{- fail (printf "collectors: %s is no resource of ksm-shard: leave it out, or describe it in customResourceState.config" .) -}}
{{- end -}}
{{- if or $.Values.rbac.useClusterRole (get $known .).namespaced -}}
{{- $found = append $found . -}}
{{- end -}}
{{- end -}}
{{- $found | sortAlpha | toYaml -}}
{{- end }}

{{- /* True where these are the resources that are exported without --resources. */ -}}
{{- define "ksm-shard.usualCollectors" -}}
{{- $usual := list -}}
{{- range $name, $one := (include "ksm-shard.facts" . | fromYaml).resources -}}
{{- if $one.default -}}
{{- $usual = append $usual $name -}}
{{- end -}}
{{- end -}}
{{- if eq (include "ksm-shard.collectors" .) (sortAlpha $usual | toYaml) -}}true{{- end -}}
{{- end }}

{{- /* The namespaces to export, as a list: empty for all. */ -}}
{{- define "ksm-shard.namespaces" -}}
{{- $found := list -}}
{{- with .Values.namespaces -}}
{{- range splitList "," (join "," .) -}}
{{- $found = append $found (tpl . $ | trim) -}}
{{- end -}}
{{- end -}}
{{- if .Values.releaseNamespace -}}
{{- $found = append $found (include "ksm-shard.namespace" .) -}}
{{- end -}}
{{- $found | uniq | toYaml -}}
{{- end }}

{{- /* A rule for each API group. */ -}}
{{- define "ksm-shard.rules" -}}
{{- $known := (include "ksm-shard.facts" . | fromYaml).resources -}}
{{- $groups := dict -}}
{{- range include "ksm-shard.collectors" . | fromYamlArray -}}
{{- $group := (get $known .).group -}}
{{- $_ := set $groups $group (append (get $groups $group | default list) .) -}}
{{- end -}}
{{- if and .Values.customResourceState.enabled .Values.rbac.useClusterRole .Values.rbac.customResourceState.createClusterRoleRules -}}
{{- $_ := set $groups "apiextensions.k8s.io" (list "customresourcedefinitions") -}}
{{- end -}}
{{- range $group, $resources := $groups }}
- apiGroups: [{{ $group | quote }}]
  resources:
    {{- toYaml $resources | nindent 4 }}
  verbs: [list, watch]
{{- end }}
{{- with .Values.rbac.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end }}
