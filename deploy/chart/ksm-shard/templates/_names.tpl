{{- define "ksm-shard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- /* Pods carry this name and eleven characters in a label, controller-revision-hash, which holds 63. */ -}}
{{- define "ksm-shard.fullname" -}}
{{- $name := include "ksm-shard.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "ksm-shard.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end }}

{{- /* Objects that no namespace holds, and Roles in other namespaces: two releases share none. */ -}}
{{- define "ksm-shard.clusterName" -}}
{{- printf "%s:%s" (include "ksm-shard.fullname" .) (include "ksm-shard.namespace" .) -}}
{{- end }}

{{- define "ksm-shard.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ksm-shard.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "ksm-shard.customConfigMap" -}}
{{- default (printf "%s-customresourcestate-config" (include "ksm-shard.fullname" .)) .Values.customResourceState.name -}}
{{- end }}

{{- define "ksm-shard.image" -}}
{{- $image := .Values.image -}}
{{- $registry := .Values.global.imageRegistry | default $image.registry -}}
{{- with $registry }}{{ . }}/{{ end -}}
{{- $image.repository }}:{{ $image.tag | default .Chart.AppVersion -}}
{{- with $image.sha }}@sha256:{{ trimPrefix "sha256:" . }}{{ end -}}
{{- end }}

{{- define "ksm-shard.selector" -}}
{{- if .Values.selectorOverride -}}
{{- toYaml .Values.selectorOverride -}}
{{- else -}}
app.kubernetes.io/name: {{ include "ksm-shard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- end }}

{{- define "ksm-shard.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")
  "app.kubernetes.io/managed-by" .Release.Service
  "app.kubernetes.io/component" "metrics"
  "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- if .Values.releaseLabel -}}
{{- $_ := set $own "release" .Release.Name -}}
{{- end -}}
{{- $custom := tpl (toYaml .Values.customLabels) . | fromYaml -}}
{{- mergeOverwrite $own (include "ksm-shard.selector" . | fromYaml) $custom | toYaml -}}
{{- end }}

{{- /* Takes a dict: root, and labels or annotations besides. */ -}}
{{- define "ksm-shard.metadata" -}}
{{- $labels := include "ksm-shard.labels" .root | fromYaml -}}
{{- with .labels -}}
{{- $labels = mergeOverwrite $labels (tpl (toYaml .) $.root | fromYaml) -}}
{{- end -}}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
{{- end }}
