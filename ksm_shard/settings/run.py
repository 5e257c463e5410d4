"""The options of `ksm-shard run`: those of kube-state-metrics under their names, and a few of our own."""

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
SHARDING: Final = "Sharding"
SERVING: Final = "Serving"
PROCESS: Final = "Process"

FILE: Final = Text("FILE")
HOST: Final = Text("HOST")
PORT: Final = Integer(0, 65535)
NAMESPACES: Final = Words("NAMESPACE,...")
METRIC_NAMES: Final = Patterns("NAME|REGEX,...")
# Prometheus' own default is a minute; what the Prometheus operator and its charts set is 30 seconds.
SCRAPE_INTERVAL: Final = 30.0


def known_resources() -> str:
    """Return the sentences that name all resources. For them the kinds are imported, 6 MB and 44 ms that a start need not have."""
    known = kinds.resources()
    on = ", ".join(name for name, resource in known.items() if resource.default)
    off = ", ".join(name for name, resource in known.items() if not resource.default)
    return f"On by default are {on}. There are besides: {off}."


@dataclass(frozen=True)
class Settings(Options):
    """What the exporter is told. Durations are in seconds; an empty list or text stands for "not given".

    Attributes:
        ignored_flags: flags of kube-state-metrics that were given and do nothing here, with their dashes.
    """

    apiserver: str = option(
        API_SERVER,
        Url("URL"),
        "",
        "Where the API server is. Overrides the server that the kubeconfig names; alone, it needs no kubeconfig.",
        per_process=True,
    )
    kubeconfig: str = option(
        API_SERVER,
        FILE,
        "",
        "Kubeconfig with server and credentials. Without it: the pod's service account, then the usual kubeconfig.",
        per_process=True,
    )
    use_apiserver_cache: bool = option(
        API_SERVER,
        Boolean(),
        False,
        "List with resourceVersion=0: answered from the API server's cache instead of by a quorum read of etcd.",
        key="use_api_server_cache",
    )
    object_limit: int = option(
        API_SERVER, Integer(), 0, "List at most so many objects of each resource; 0 is no limit. For trying things out."
    )

    resources: tuple[str, ...] = option(
        OBJECTS,
        Words("RESOURCE,..."),
        (),
        "Resources to export, by their plural, instead of those that are on by default.",
        more=known_resources,
    )
    namespaces: tuple[str, ...] = option(
        OBJECTS,
        NAMESPACES,
        (),
        "Export namespaced objects of these namespaces only, not of all. Cluster-scoped objects are always exported.",
    )
    namespaces_denylist: tuple[str, ...] = option(
        OBJECTS, NAMESPACES, (), "Export no namespaced objects of these namespaces. Wins over --namespaces."
    )
    node: tuple[str, ...] = option(
        OBJECTS,
        Words("NODE,..."),
        (),
        "Export pods of these nodes only, for a DaemonSet of exporters. Goes with --resources=pods.",
        per_process=True,
    )
    track_unscheduled_pods: bool = option(
        OBJECTS,
        Boolean(),
        False,
        "Export only the pods that have no node yet: the complement of a DaemonSet with --node, over which it wins.",
        per_process=True,
    )

    metric_allowlist: tuple[str, ...] = option(
        METRICS,
        METRIC_NAMES,
        (),
        "Export these families only. A regular expression is ECMAScript's, as in kube-state-metrics, but that a lookbehind "
        "has to be of one length. It may match anywhere in a name: anchor it with ^ and $. "
        "Cannot be combined with --metric-denylist.",
    )
    metric_denylist: tuple[str, ...] = option(
        METRICS,
        METRIC_NAMES,
        (),
        "Export all families but these. Matches as --metric-allowlist does.",
    )
    metric_opt_in_list: tuple[str, ...] = option(
        METRICS, METRIC_NAMES, (), "Export these families too, which are off unless they are asked for."
    )
    metric_labels_allowlist: Mapping[str, tuple[str, ...]] = option(
        METRICS,
        KeysByResource(),
        {},
        "Labels to export in the kube_*_labels families, by resource: pods=[app,team-*],*=[owner]. "
        "One * in a key matches any text; alone, as the first key, it means all; as the resource it means every enabled one, "
        "and no other counts then.",
        key="labels_allow_list",
    )
    metric_annotations_allowlist: Mapping[str, tuple[str, ...]] = option(
        METRICS,
        KeysByResource(),
        {},
        "Annotations to export in the kube_*_annotations families, written as for --metric-labels-allowlist.",
        key="annotations_allow_list",
    )

    shard: int = option(
        SHARDING, Integer(), 0, "Which shard this is, from 0 to --total-shards less 1.", per_process=True
    )
    total_shards: int = option(SHARDING, Integer(1, MAX_SHARDS), 1, "How many shards the objects are divided among.")
    pod: str = option(
        SHARDING,
        Text("NAME"),
        "",
        "Name of the own pod, from the downward API. Shard and total then follow from the StatefulSet that owns it, "
        "and override --shard and --total-shards. Needs --pod-namespace.",
        per_process=True,
    )
    pod_namespace: str = option(
        SHARDING, Text("NAMESPACE"), "", "Namespace of the own pod. Needs --pod.", key="namespace", per_process=True
    )
    sharding_mode: str = option(
        SHARDING,
        Choice("mmh3", "server-side"),
        "mmh3",
        "How objects are divided, the same in all shards: mmh3 filters here; server-side lets an API server with the "
        "feature ShardedListAndWatch send each shard its own objects only.",
    )
    scrape_interval: float = option(
        SHARDING,
        Duration(),
        SCRAPE_INTERVAL,
        "How often Prometheus scrapes the shards. Only the defaults of --handover-period and --drain-period need it.",
    )
    handover_period: float = option(
        SHARDING,
        Duration(),
        # Prometheus takes up to 10 s to begin to scrape a pod that it was told of.
        Derived(
            "1.5 times --scrape-interval, at least 15s more than one",
            lambda settings: max(1.5 * settings.scrape_interval, settings.scrape_interval + 15.0),
        ),
        "How long objects that go to another shard are still exported here after that shard became Ready. "
        "Longer than a scrape interval, or series are missing from a scrape; "
        "10s longer, or what is deleted meanwhile may stay in queries for five minutes.",
    )
    drain_period: float = option(
        SHARDING,
        Duration(),
        # The others have to load what it had, for which `plan` allows 30 s, and to be scraped with it before this one has gone.
        Derived(
            "--handover-period and one --scrape-interval",
            lambda settings: settings.handover_period + settings.scrape_interval,
        ),
        "How long a shard that is told to stop goes on serving, while the others take over. Only with --pod. "
        "Longer than loading and a scrape interval take, or series are missing from a scrape.",
    )
    handover_timestamps: bool = option(
        SHARDING,
        Boolean(),
        False,
        "Write samples of objects that this shard is about to let go with the time of the scrape, so that a query sees each once, "
        "whoever has it. For a Prometheus that drops the label instance after the scrape and honors timestamps.",
    )

    host: str = option(
        SERVING, HOST, "::", "Address to serve the metrics of the cluster on; :: is all.", per_process=True
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
        "Longest time to read a whole request; as no body is read, the shorter of this and --server-read-header-timeout "
        "counts. 0 is no limit, for all four.",
    )
    server_write_timeout: float = option(SERVING, Duration(), 60.0, "Longest time to write an answer.")
    server_idle_timeout: float = option(
        SERVING, Duration(), 300.0, "Longest time to keep an idle connection open; with 0, --server-read-timeout."
    )
    server_read_header_timeout: float = option(
        SERVING, Duration(), 5.0, "Longest time to read the headers of a request."
    )

    config: str = option(
        PROCESS, FILE, "", "YAML file whose keys override flags and variables.", key="", per_process=True
    )
    verbosity: int = option(
        PROCESS, Integer(), 0, "How much to log; 4 and more logs every list and watch.", flag="v", per_process=True
    )

    ignored_flags: tuple[str, ...] = field(default=())

    def problems(self) -> list[str]:
        """Return a line for each thing that does not go together."""
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
