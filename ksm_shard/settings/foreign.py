"""Flags of kube-state-metrics that are not options here: accepted, without effect."""

from typing import Any, Final

from ksm_shard.settings.options import Option
from ksm_shard.settings.values import Boolean, Kind, Text

# Flags that kube-state-metrics has renamed, or whose names people remember from its first releases, with the present ones.
FORMER: Final = {
    "collectors": "resources",
    "custom-resource-config-file": "custom-resource-state-config-file",
    "labels-allow-list": "metric-labels-allowlist",
    "labels-metric-allow-list": "metric-labels-allowlist",
    "metric-blacklist": "metric-denylist",
    "metric-whitelist": "metric-allowlist",
    "namespace": "namespaces",
    "namespace-denylist": "namespaces-denylist",
}
IGNORED: Final = "Accepted, without effect"


def _ignored(flag: str, kind: Kind[Any], meaning: str) -> Option[Any]:
    return Option(IGNORED, kind, None, meaning, flag, key=flag.replace("-", "_"))


# Logs go to standard error, as Kubernetes expects, and there is no Go runtime whose memory could be limited. The flags are accepted
# so that existing manifests start.
IGNORED_FLAGS: Final = (
    _ignored("add_dir_header", Boolean(), "klog: directory of the source in each line"),
    _ignored("alsologtostderr", Boolean(), "klog: log to files and to standard error"),
    _ignored("alsologtostderrthreshold", Text(), "klog: severity for --alsologtostderr"),
    _ignored("auto-gomemlimit", Boolean(), "Go: memory limit from the container's"),
    _ignored("auto-gomemlimit-ratio", Text(), "Go: share of the container's limit"),
    _ignored("legacy_stderr_threshold_behavior", Boolean(), "klog: older meaning of --stderrthreshold"),
    _ignored("log_backtrace_at", Text(), "klog: stack trace at a line"),
    _ignored("log_dir", Text(), "klog: directory of log files"),
    _ignored("log_file", Text(), "klog: log file"),
    _ignored("log_file_max_size", Text(), "klog: size of a log file"),
    _ignored("logtostderr", Boolean(), "klog: log to standard error, as is always done here"),
    _ignored("one_output", Boolean(), "klog: each line to one log file only"),
    _ignored("skip_headers", Boolean(), "klog: lines without headers"),
    _ignored("skip_log_headers", Boolean(), "klog: log files without headers"),
    _ignored("stderrthreshold", Text(), "klog: severity for standard error"),
    _ignored("vmodule", Text(), "klog: verbosity by source file"),
)
