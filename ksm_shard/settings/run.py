"""The options of `ksm-shard run`.

Most are options of kube-state-metrics, under the same names; a few are our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ksm_shard import kinds
from ksm_shard.settings.options import Derived, Options, option
from ksm_shard.settings.values import Boolean, Choice, Duration, Integer, KeysByResource, Patterns, Text, Url, Words
from ksm_shard.sharding.ring import MAX_SHARDS

API_SERVER: Final = "API server"
OBJECTS: Final = "Objects"
METRICS: Final = "Metrics"
CUSTOM: Final = "Custom resources"
SHARDING: Final = "Sharding"
SERVING: Final = "Serving"
PROCESS: Final = "Process"

FILE: Final = Text("FILE")
HOST: Final = Text("HOST")
PORT: Final = Integer(0, 65535)
NAMESPACES: Final = Words("NAMESPACE,...")
METRIC_NAMES: Final = Patterns("NAME|REGEX,...")
# The interval that the Prometheus operator and its charts set; Prometheus' own default is a minute.
SCRAPE_INTERVAL: Final = 30.0


def known_resources() -> str:
    """Return the help sentences that list all resources.

    Imports all kinds (6 MB, 44 ms), so not called at start.
    """
    known = kinds.resources()
    on = ", ".join(name for name, resource in known.items() if resource.default)
    off = ", ".join(name for name, resource in known.items() if not resource.default)
    return f"Default resources: {on}. Further resources: {off}."


@dataclass(frozen=True)
class Settings(Options):
    """Settings of the exporter.

    Durations are in seconds; an empty list or text means "not given".

    Attributes:
        ignored_flags: given flags of kube-state-metrics that have no effect here, with their dashes.
        content: what the file of --config held; None without one.
    """

    apiserver: str = option(
        API_SERVER,
        Url("URL"),
        "",
        "URL of the API server. Overrides the server of the kubeconfig, and also works without one.",
        per_process=True,
    )
    kubeconfig: str = option(
        API_SERVER,
        FILE,
        "",
        "Kubeconfig with server and credentials. By default the pod's service account, then the usual kubeconfig.",
        per_process=True,
    )
    use_apiserver_cache: bool = option(
        API_SERVER,
        Boolean(),
        False,
        "List with resourceVersion=0, which the API server answers from its cache instead of by a quorum read of etcd.",
        key="use_api_server_cache",
        live=True,
    )
    object_limit: int = option(
        API_SERVER,
        Integer(),
        0,
        "Maximum number of objects to list of each resource; 0 means no limit. Meant for trials.",
        live=True,
    )

    resources: tuple[str, ...] = option(
        OBJECTS,
        Words("RESOURCE,..."),
        (),
        "Resources to export, by plural, instead of the default ones.",
        more=known_resources,
        live=True,
    )
    namespaces: tuple[str, ...] = option(
        OBJECTS,
        NAMESPACES,
        (),
        "Export namespaced objects of these namespaces only. Cluster-scoped objects are always exported.",
        live=True,
    )
    namespaces_denylist: tuple[str, ...] = option(
        OBJECTS,
        NAMESPACES,
        (),
        "Export no namespaced objects of these namespaces. Takes precedence over --namespaces.",
        live=True,
    )
    node: tuple[str, ...] = option(
        OBJECTS,
        Words("NODE,..."),
        (),
        "Export only the pods on these nodes, for a DaemonSet of exporters. Use it with --resources=pods.",
        per_process=True,
        live=True,
    )
    track_unscheduled_pods: bool = option(
        OBJECTS,
        Boolean(),
        False,
        "Export only pods without a node: the complement of a DaemonSet with --node. Takes precedence over --node.",
        per_process=True,
        live=True,
    )

    metric_allowlist: tuple[str, ...] = option(
        METRICS,
        METRIC_NAMES,
        (),
        "Export these families only. Regular expressions are ECMAScript's, as in kube-state-metrics, except that a lookbehind "
        "must have a fixed length. They match anywhere in a name unless anchored with ^ and $. "
        "Cannot be combined with --metric-denylist.",
        live=True,
    )
    metric_denylist: tuple[str, ...] = option(
        METRICS,
        METRIC_NAMES,
        (),
        "Export all families except these. Matches in the same way as --metric-allowlist.",
        live=True,
    )
    metric_opt_in_list: tuple[str, ...] = option(
        METRICS,
        METRIC_NAMES,
        (),
        "Export these opt-in families, which are off by default.",
        live=True,
    )
    metric_labels_allowlist: Mapping[str, tuple[str, ...]] = option(
        METRICS,
        KeysByResource(),
        {},
        "Labels to export in the kube_*_labels families, by resource: pods=[app,team-*],*=[owner]. "
        "One * in a key matches any text; * as the first key allows all keys. * as the resource applies to every enabled resource "
        "and replaces all other entries.",
        key="labels_allow_list",
        live=True,
    )
    metric_annotations_allowlist: Mapping[str, tuple[str, ...]] = option(
        METRICS,
        KeysByResource(),
        {},
        "Annotations to export in the kube_*_annotations families, in the syntax of --metric-labels-allowlist.",
        key="annotations_allow_list",
        live=True,
    )

    custom_resource_state_config: str = option(
        CUSTOM,
        Text("YAML"),
        "",
        "Custom Resource State: metrics of custom resources, as YAML. Takes precedence over --custom-resource-state-config-file.",
        key="custom_resource_config",
        live=True,
    )
    custom_resource_state_config_file: str = option(
        CUSTOM,
        FILE,
        "",
        "File with Custom Resource State. It is read again when it changes.",
        per_process=True,  # what it holds is compared
        live=True,
    )
    custom_resource_state_only: bool = option(
        CUSTOM,
        Boolean(),
        False,
        "Export custom resources only.",
        key="custom_resources_only",
        live=True,
    )
    continue_without_custom_resource_state_config_file: bool = option(
        CUSTOM,
        Boolean(),
        False,
        "Wait for a missing --custom-resource-state-config-file, and export other resources until then.",
        live=True,
    )

    shard: int = option(
        SHARDING, Integer(), 0, "Number of this shard, from 0 to --total-shards minus 1.", per_process=True
    )
    total_shards: int = option(
        SHARDING, Integer(1, MAX_SHARDS), 1, "Number of shards that the objects are divided among."
    )
    pod: str = option(
        SHARDING,
        Text("NAME"),
        "",
        "Name of this pod, from the downward API. Shard and total are then taken from the StatefulSet that owns the pod, "
        "and override --shard and --total-shards. Needs --pod-namespace.",
        per_process=True,
    )
    pod_namespace: str = option(
        SHARDING, Text("NAMESPACE"), "", "Namespace of this pod. Needs --pod.", key="namespace", per_process=True
    )
    sharding_mode: str = option(
        SHARDING,
        Choice("mmh3", "server-side"),
        "mmh3",
        "How objects are divided; must be the same in all shards. mmh3: each shard filters. server-side: an API server with the "
        "feature ShardedListAndWatch sends each shard its own objects only.",
    )
    scrape_interval: float = option(
        SHARDING,
        Duration(),
        SCRAPE_INTERVAL,
        "Interval at which Prometheus scrapes the shards. Used only for the defaults of --handover-period and --drain-period.",
        live=True,
    )
    handover_period: float = option(
        SHARDING,
        Duration(),
        # Prometheus takes up to 10 s to begin to scrape a pod that it discovered.
        Derived(
            "1.5 times --scrape-interval, at least 15s more than one",
            lambda settings: max(1.5 * settings.scrape_interval, settings.scrape_interval + 15.0),
        ),
        "Time for which objects that move to another shard are still exported here after that shard became Ready. "
        "Must exceed the scrape interval, or scrapes miss series; 10s more, or objects deleted meanwhile may stay in queries for "
        "five minutes.",
        live=True,
    )
    drain_period: float = option(
        SHARDING,
        Duration(),
        # Before the pod is gone, the others must have loaded its objects, for which `plan` allows 30 s, and must have been scraped
        # with them.
        Derived(
            "--handover-period and one --scrape-interval",
            lambda settings: settings.handover_period + settings.scrape_interval,
        ),
        "Time for which a shard that is told to stop continues to serve while the others take over. Used only with --pod. "
        "Must exceed the time to load plus a scrape interval, or scrapes miss series.",
        live=True,
    )
    handover_timestamps: bool = option(
        SHARDING,
        Boolean(),
        False,
        "Add the time of the scrape to samples of objects that move to another shard, so that queries see each sample once, "
        "whichever shard exports it. For a Prometheus that drops the label instance after the scrape and honors timestamps.",
    )

    host: str = option(
        SERVING, HOST, "::", "Address to serve the metrics of the cluster on; :: means all addresses.", per_process=True
    )
    port: int = option(SERVING, PORT, 8080, "Port to serve the metrics of the cluster on.", per_process=True)
    telemetry_host: str = option(
        SERVING, HOST, "::", "Address to serve the metrics of the exporter itself on.", per_process=True
    )
    telemetry_port: int = option(
        SERVING, PORT, 8081, "Port to serve the metrics of the exporter itself on.", per_process=True
    )
    enable_gzip_encoding: bool = option(
        SERVING,
        Boolean(),
        True,
        "Compress answers for clients that accept gzip. On by default, since pages are kept compressed.",
    )
    server_read_timeout: float = option(
        SERVING,
        Duration(),
        60.0,
        "Maximum time to read a request. No body is read, so the shorter of this and --server-read-header-timeout "
        "applies. For all four timeouts, 0 means no limit.",
    )
    server_write_timeout: float = option(SERVING, Duration(), 60.0, "Maximum time to write an answer.")
    server_idle_timeout: float = option(
        SERVING,
        Duration(),
        300.0,
        "Maximum time to keep an idle connection open; 0 means the same time as --server-read-timeout.",
    )
    server_read_header_timeout: float = option(
        SERVING, Duration(), 5.0, "Maximum time to read the headers of a request."
    )

    tls_config: str = option(
        SERVING,
        FILE,
        "",
        "Web configuration file of the Prometheus exporters, for both ports: TLS, client certificates, basic authentication, "
        "headers. Read again when it or a file that it names changes.",
        per_process=True,
    )
    auth_filter: bool = option(
        SERVING,
        Boolean(),
        False,
        "Answer only who has a bearer token of the cluster and the right to `get` the path, such as /metrics, on both ports. "
        "/livez, /readyz and /healthz stay open. Needs the rights of deploy/auth-filter.",
        per_process=True,
    )

    config: str = option(
        PROCESS,
        FILE,
        "",
        "YAML file whose keys override flags and variables. Read again when it changes.",
        key="",
        per_process=True,
    )
    continue_without_config: bool = option(
        PROCESS,
        Boolean(),
        False,
        "Wait for a missing --config file, and run with flags and variables until then.",
        per_process=True,
        live=True,
    )
    verbosity: int = option(
        PROCESS,
        Integer(),
        0,
        "Log level; from 4 on, every list and watch is logged.",
        flag="v",
        per_process=True,
        live=True,
    )

    ignored_flags: tuple[str, ...] = field(default=())
    content: bytes | None = field(default=None, repr=False)

    def problems(self) -> list[str]:
        """Return a line for each conflict between options."""
        problems = []
        if not self.pod and self.shard >= self.total_shards:
            highest = self.total_shards - 1
            problems.append(
                f"--shard: {self.shard} must be from 0 to {highest} with --total-shards={self.total_shards}"
            )
        if bool(self.pod) != bool(self.pod_namespace):
            given, missing = ("--pod", "--pod-namespace") if self.pod else ("--pod-namespace", "--pod")
            problems.append(f"{given}: needs {missing} as well; give both for automatic sharding, or neither")
        if self.metric_allowlist and self.metric_denylist:
            problems.append("--metric-allowlist: cannot be combined with --metric-denylist; give one of them")
        if self.node and self.resources and set(self.resources) != {"pods"}:
            others = ", ".join(name for name in self.resources if name != "pods")
            problems.append(f"--node: only pods are on a node, so --resources must be pods, without {others}")
        if self.port and self.port == self.telemetry_port and self.host == self.telemetry_host:
            problems.append(f"--telemetry-port: {self.telemetry_port} must be another one than --port")
        return problems
