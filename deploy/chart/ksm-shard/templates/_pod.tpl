{{- /* Takes a dict: root, probe, path, port. */ -}}
{{- define "ksm-shard.probe" -}}
{{- $get := .probe.httpGet | default dict -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
  {{- if or (include "ksm-shard.tls" .root) (eq (upper ($get.scheme | default "http")) "HTTPS") }}
  scheme: HTTPS
  {{- end }}
  {{- with $get.httpHeaders }}
  httpHeaders:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- with omit .probe "enabled" "httpGet" }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ksm-shard.env" -}}
{{- if include "ksm-shard.fixed" . -}}
- name: POD_INDEX
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
{{- else -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ksm-shard.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.kubeconfig.enabled }}
- name: kubeconfig
  mountPath: /opt/k8s/.kube
  readOnly: true
{{- end }}
{{- if .Values.customResourceState.enabled }}
- name: customresourcestate-config
  mountPath: /etc/customresourcestate
  readOnly: true
{{- end }}
{{- if .Values.webConfig.secret }}
- name: web-config
  mountPath: /etc/ksm-shard
  readOnly: true
{{- end }}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ksm-shard.volumes" -}}
# gunicorn's worker makes one empty file, in /dev/shm if that can be written.
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 16Mi
{{- if .Values.kubeconfig.enabled }}
- name: kubeconfig
  secret:
    secretName: {{ include "ksm-shard.fullname" . }}-kubeconfig
{{- end }}
{{- if .Values.customResourceState.enabled }}
- name: customresourcestate-config
  configMap:
    name: {{ include "ksm-shard.customConfigMap" . }}
{{- end }}
{{- with .Values.webConfig.secret }}
- name: web-config
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Pull secrets are names, or maps with a name. */ -}}
{{- define "ksm-shard.pullSecrets" -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
- name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- define "ksm-shard.spread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints -}}
{{- else -}}
# What the others cover for one that is away goes with them if they are on its node.
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "ksm-shard.selector" . | nindent 6 }}
{{- end -}}
{{- end }}

{{- define "ksm-shard.resources" -}}
{{- if .Values.resources -}}
{{- toYaml .Values.resources -}}
{{- else -}}
# 80 MB, and 2.5 KB for each pod of the shard, 1.3 times that while it loads: 50,000 pods. No limit of CPU: it
# would make loading slow and save nothing.
requests:
  cpu: 100m
  memory: 256Mi
limits:
  memory: 512Mi
{{- end -}}
{{- end }}
