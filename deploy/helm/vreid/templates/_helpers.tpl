{{- define "vreid.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "vreid.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "vreid.labels" -}}
{{ include "vreid.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "vreid.image" -}}
{{- $own := .image | default dict -}}
{{ $own.repository | default .root.Values.image.repository }}:{{ $own.tag | default (.root.Values.image.tag | default .root.Chart.AppVersion) }}
{{- end }}

{{- define "vreid.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "vreid.fullname" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "vreid.storeUrl" -}}
{{- if .Values.store.deploy -}}
redis://{{ include "vreid.fullname" . }}-store:6379/0
{{- else -}}
{{ required "store.url: needed where store.deploy is false" .Values.store.url }}
{{- end -}}
{{- end }}

{{/* The configuration of every role: what the chart knows, and .Values.config over it. */}}
{{- define "vreid.config" -}}
{{- $name := include "vreid.fullname" . -}}
{{- $secret := "file:/etc/vreid/tokens" -}}
{{- $tls := dict "tls_certificate" "/etc/vreid/tls/tls.crt" "tls_key" "/etc/vreid/tls/tls.key" -}}
{{- $config := dict
  "site" .Values.site
  "data_dir" "/var/lib/vreid"
  "cameras" .Values.cameras
  "redis" (dict "url" (include "vreid.storeUrl" .) "password" "file:/etc/vreid/redis/password")
  "ingest" (dict "crops_url" (.Values.crops.url | default "/var/lib/vreid-crops"))
  "matcher" (merge (dict "listen" "0.0.0.0:50661" "milvus_collection" (printf "vreid_%s" (.Values.site | replace "-" "_"))) $tls)
  "client" (dict "address" (printf "%s-matcher:50661" $name) "token" (printf "%s/console" $secret) "tls_ca" "/etc/vreid/tls/ca.crt")
  "web" (merge (dict "listen" "0.0.0.0:8650" "names" .Values.web.names) $tls)
  "access" (dict "tokens" (list
    (dict "name" "admin" "role" "admin" "secret" (printf "%s/admin" $secret))
    (dict "name" "operator" "role" "operator" "secret" (printf "%s/operator" $secret))
    (dict "name" "viewer" "role" "viewer" "secret" (printf "%s/viewer" $secret))
    (dict "name" "console" "role" "admin" "secret" (printf "%s/console" $secret))))
-}}
{{- if .Values.metrics.enabled -}}
{{- $_ := set $config "metrics" (merge (dict "enabled" true "host" "0.0.0.0" "token" (printf "%s/metrics" $secret)) $tls) -}}
{{- end -}}
{{- $merged := mergeOverwrite $config (deepCopy .Values.config) -}}
{{- if and (gt (int .Values.reader.replicas) 0) (eq (dig "matcher" "index" "faiss" $merged) "milvus") -}}
{{- fail "reader.replicas: must be 0 with matcher.index milvus, whose collection belongs to one matcher; Milvus itself scales the search" -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end }}

{{- define "vreid.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "vreid.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What every pod of a role begins with. Takes root, component and values of the role. */}}
{{- define "vreid.podHead" -}}
metadata:
  labels:
    {{- include "vreid.labels" . | nindent 4 }}
  annotations:
    checksum/config: {{ include "vreid.config" .root | sha256sum }}
spec:
  serviceAccountName: {{ include "vreid.serviceAccount" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "vreid.podSecurity" . | nindent 4 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "vreid.selector" . | nindent 10 }}
{{- end }}

{{- define "vreid.containerHead" -}}
image: {{ include "vreid.image" (dict "root" .root "image" (.values.image | default dict)) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- include "vreid.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{- end }}

{{- define "vreid.cropsEnvironment" -}}
{{- range $name, $value := .Values.crops.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "vreid.cropsEnvFrom" -}}
{{- with .Values.crops.envFromSecret }}
envFrom:
  - secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{/* Mounts and volumes that roles share; "secrets" lists which of tls, tokens, redis, cameras. */}}
{{- define "vreid.mounts" -}}
- {name: config, mountPath: /etc/vreid/vreid.yaml, subPath: vreid.yaml, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- range .secrets }}
- {name: {{ . }}, mountPath: /etc/vreid/{{ . }}, readOnly: true}
{{- end }}
{{- if and .crops (not .root.Values.crops.url) }}
- {name: crops, mountPath: /var/lib/vreid-crops}
{{- end }}
{{- end }}

{{- define "vreid.volumes" -}}
{{- $root := .root -}}
- name: config
  configMap: {name: {{ include "vreid.fullname" .root }}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- range .secrets }}
- name: {{ . }}
  secret: {secretName: {{ index $root.Values.secrets . }}, defaultMode: 0440}
{{- end }}
{{- if and .crops (not .root.Values.crops.url) }}
- name: crops
  persistentVolumeClaim: {claimName: {{ .root.Values.crops.persistence.existingClaim | default (printf "%s-crops" (include "vreid.fullname" .root)) }}}
{{- end }}
{{- end }}

{{- define "vreid.claim" -}}
metadata: {name: {{ .name }}}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: {requests: {storage: {{ .persistence.size }}}}
{{- end }}

{{/* Of a matcher, by its private socket, which asks for no certificate: Kubernetes' own gRPC probes know no TLS. */}}
{{- define "vreid.matcherProbes" -}}
{{- $ask := list "python" "-m" "services.probe" "matcher" "unix:/var/lib/vreid/rpc/matcher.sock" -}}
startupProbe:
  exec: {command: {{ $ask | toJson }}}
  periodSeconds: 5
  timeoutSeconds: 6
  failureThreshold: 120
readinessProbe:
  exec: {command: {{ $ask | toJson }}}
  periodSeconds: 10
  timeoutSeconds: 6
livenessProbe:
  exec: {command: {{ append $ask "--alive" | toJson }}}
  periodSeconds: 20
  timeoutSeconds: 6
  failureThreshold: 6
{{- end }}
