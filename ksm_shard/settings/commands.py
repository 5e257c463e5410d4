"""The commands and their options.

Commands other than `run` take flags only: no variables and no file.
"""

from dataclasses import dataclass
from typing import Final

from ksm_shard.settings.options import Derived, Options, option
from ksm_shard.settings.run import FILE, HOST, PORT, Settings
from ksm_shard.settings.values import (
    Boolean,
    Choice,
    Duration,
    Integer,
    Rate,
    Scrapes,
    Several,
    Text,
    Url,
    Urls,
    Words,
    is_url,
)
from ksm_shard.sharding.ring import MAX_SHARDS

OPTIONS: Final = "Options"

# Typical of large clusters; the kubelet's default limit is 110.
PODS_PER_NODE: Final = 30
SEED: Final = "Seed of the made-up cluster: the same seed and size make the same cluster."
NODES: Final = Derived(f"one for every {PODS_PER_NODE} pods", lambda options: -(-options.pods // PODS_PER_NODE))
NODES_HELP: Final = "Number of nodes to make up."
HTTP_CONFIG_FLAG: Final = "http.config.file"
HTTP_CONFIG_HELP: Final = (
    "File that says how to ask the exporters, as promtool and scrape configurations have it: basic_auth, authorization, "
    "tls_config."
)
CHURN_HELP: Final = "Number of objects that are created, changed or deleted each second."


# Shards of a demo that scales: each is a process of 80 MB.
MOST_SCALED: Final = 9


@dataclass(frozen=True)
class Simulate(Options):
    """Options of `ksm-shard simulate`."""

    objects: str = option(
        OPTIONS, Text("DIR"), "", "Serve the objects in the files *.jsonl, *.json and *.yaml of this directory."
    )
    pods: int = option(OPTIONS, Integer(), 0, "Number of pods to make up, with the objects that belong to them.")
    nodes: int = option(OPTIONS, Integer(), NODES, NODES_HELP)
    seed: int = option(OPTIONS, Integer(), 1, SEED)
    churn: float = option(OPTIONS, Rate(), 0.0, CHURN_HELP)
    host: str = option(OPTIONS, HOST, "127.0.0.1", "Address to serve on.")
    port: int = option(OPTIONS, PORT, 0, "Port to serve on; 0 picks a free port and prints it.")


@dataclass(frozen=True)
class Demo(Options):
    """Options of `ksm-shard demo`."""

    scale: bool = option(
        OPTIONS,
        Boolean(),
        False,
        "Scale the fleet, restart it and kill a shard by single keys, or by a script where there is no terminal. "
        "A line a second says what a Prometheus sees of it.",
    )
    shards: int = option(
        OPTIONS,
        Integer(1, MAX_SHARDS),
        Derived("3, with --scale 2", lambda options: 2 if options.scale else 3),
        "Number of shards to start.",
    )
    pods: int = option(
        OPTIONS,
        Integer(),
        Derived("2000, with --scale 500", lambda options: 500 if options.scale else 2000),
        "Number of pods to make up, with the objects that belong to them.",
    )
    nodes: int = option(OPTIONS, Integer(), NODES, NODES_HELP)
    seed: int = option(OPTIONS, Integer(), 1, SEED)
    churn: float = option(OPTIONS, Rate(), 10.0, CHURN_HELP)
    port: int = option(OPTIONS, PORT, 8080, "First port to serve on; the ones after it are taken for the other shards.")

    @property
    def ports(self) -> int:
        """Number of ports: two for each exporter, and with --scale one for the page."""
        return 3 + 2 * MOST_SCALED if self.scale else 2 * self.shards

    def problems(self) -> list[str]:
        """Return a line for each thing that does not go together."""
        found = []
        if self.scale and self.shards > MOST_SCALED:
            found.append(f"--shards: {self.shards} must be at most {MOST_SCALED} with --scale")
        if self.port > (most := 65_536 - self.ports):
            found.append(
                f"--port: {self.port} must be at most {most} with {'--scale' if self.scale else f'--shards={self.shards}'}"
            )
        return found


@dataclass(frozen=True)
class Check(Options):
    """Options of `ksm-shard check`: the URLs of all shards, or their Service."""

    urls: tuple[str, ...] = option(
        OPTIONS, Urls(), (), "URL of a shard, or HOST:PORT; give those of all shards.", flag=""
    )
    pod_namespace: str = option(
        OPTIONS, Text("NAMESPACE"), "", "Namespace of the headless Service in front of the shards."
    )
    service: str = option(OPTIONS, Text("NAME"), "", "Name of the headless Service in front of the shards.")
    port: int = option(OPTIONS, PORT, 8080, "Port of the pods behind the Service.")
    scheme: str = option(OPTIONS, Choice("http", "https"), "http", "Scheme of the pods behind the Service.")
    http_config_file: str = option(OPTIONS, FILE, "", HTTP_CONFIG_HELP, flag=HTTP_CONFIG_FLAG)

    def problems(self) -> list[str]:
        """Return a line for each conflict between options."""
        if bool(self.pod_namespace) != bool(self.service):
            given, missing = ("--service", "--pod-namespace") if self.service else ("--pod-namespace", "--service")
            return [f"{given}: needs {missing} as well"]
        if bool(self.urls) == bool(self.service):
            return ["check: give either the URL of every shard, or --pod-namespace and --service"]
        return []


@dataclass(frozen=True)
class Plan(Options):
    """Options of `ksm-shard plan`.

    Compares two shard counts, finds a shard count for a number of objects, or does both.
    """

    from_shards: int = option(OPTIONS, Integer(0, MAX_SHARDS), 0, "Current number of shards.", flag="from")
    to_shards: int = option(OPTIONS, Integer(0, MAX_SHARDS), 0, "New number of shards.", flag="to")
    urls: tuple[str, ...] = option(
        OPTIONS,
        Urls(),
        (),
        "URL of a running shard, to count its objects, series and bytes. Repeat the flag for each shard.",
        flag="url",
    )
    http_config_file: str = option(OPTIONS, FILE, "", HTTP_CONFIG_HELP, flag=HTTP_CONFIG_FLAG)
    sharding_mode: str = option(
        OPTIONS,
        Choice("mmh3", "server-side"),
        "mmh3",
        "How objects are divided among shards, as for run; needed only without --url.",
    )
    objects: int = option(
        OPTIONS, Integer(), 0, "Print how many shards this number of objects needs, and the load of each shard."
    )
    tls: bool = option(
        OPTIONS, Boolean(), False, "Reckon with the memory of TLS, as is done for shards whose URLs begin with https."
    )

    def problems(self) -> list[str]:
        """Return a line for each conflict between options."""
        if bool(self.from_shards) != bool(self.to_shards):
            given, missing = ("--from", "--to") if self.from_shards else ("--to", "--from")
            return [f"{given}: needs {missing} as well"]
        if not self.from_shards and not self.objects:
            return [
                "plan: give --from and --to for what a change would move, or --objects for how many shards that needs"
            ]
        return []


@dataclass(frozen=True)
class CustomValidate(Options):
    """Options of `ksm-shard custom validate`: files of Custom Resource State, and what to hold them against."""

    files: tuple[str, ...] = option(OPTIONS, Words("FILE"), (), "The files to check.", flag="")
    crds: str = option(
        OPTIONS,
        Text("DIR"),
        "",
        "Hold paths, states and labels against the schemas of the CustomResourceDefinitions in the files *.jsonl, *.json and"
        " *.yaml of this directory.",
    )
    objects: str = option(
        OPTIONS, Text("DIR"), "", "Show what each metric makes of the objects in this directory, and what that costs."
    )
    cluster: bool = option(
        OPTIONS,
        Boolean(),
        False,
        "Instead of directories, read the definitions from the cluster, and the first 100 objects of each kind. The rights"
        " that run needs suffice.",
    )
    apiserver: str = option(OPTIONS, Url("URL"), "", "URL of the API server for --cluster, as for run.")
    kubeconfig: str = option(OPTIONS, FILE, "", "Kubeconfig for --cluster, as for run.")

    def problems(self) -> list[str]:
        """Return a line for each thing that does not go together."""
        if not self.files:
            return ["custom validate: give the file to check"]
        if self.cluster:
            return ["--cluster: leave out --crds and --objects"] if self.crds or self.objects else []
        given = [f"--{name}" for name in ("apiserver", "kubeconfig") if getattr(self, name)]
        return [f"{flag}: needs --cluster as well" for flag in given]


SCRAPES: Final = Scrapes()
FILES: Final = Several("FILE")
RULES_HELP: Final = "Rule files, PrometheusRules, or ConfigMaps with rules."
DASHBOARDS_HELP: Final = "Dashboards of Grafana as JSON, or ConfigMaps with dashboards."


@dataclass(frozen=True)
class Compare(Options):
    """Options of `ksm-shard compare`: two sides, and who uses their series."""

    old: tuple[str, ...] = option(
        OPTIONS, SCRAPES, (), "Exporter in use: URLs of all its shards, or files with recorded scrapes."
    )
    new: tuple[str, ...] = option(
        OPTIONS, SCRAPES, (), "Exporter to switch to: URLs of all its shards, or files with recorded scrapes."
    )
    prometheus: str = option(
        OPTIONS, Url("URL"), "", "Prometheus whose loaded rules are looked through as --rules are."
    )
    rules: tuple[str, ...] = option(OPTIONS, FILES, (), RULES_HELP)
    dashboards: tuple[str, ...] = option(OPTIONS, FILES, (), DASHBOARDS_HELP)
    http_config_file: str = option(OPTIONS, FILE, "", HTTP_CONFIG_HELP, flag=HTTP_CONFIG_FLAG)

    def problems(self) -> list[str]:
        """Return a line for each missing side."""
        missing = [flag for flag, urls in (("--old", self.old), ("--new", self.new)) if not urls]
        return [f"compare: give {' and '.join(missing)}: the URLs or files of that side"] if missing else []


@dataclass(frozen=True)
class Cardinality(Options):
    """Options of `ksm-shard cardinality`: what to count, and who uses it."""

    urls: tuple[str, ...] = option(
        OPTIONS, SCRAPES, (), "Exporter to look at: URLs of all its shards, or files with recorded scrapes.", flag="url"
    )
    rules: tuple[str, ...] = option(OPTIONS, FILES, (), RULES_HELP)
    dashboards: tuple[str, ...] = option(OPTIONS, FILES, (), DASHBOARDS_HELP)
    http_config_file: str = option(OPTIONS, FILE, "", HTTP_CONFIG_HELP, flag=HTTP_CONFIG_FLAG)
    wait: float = option(
        OPTIONS,
        Duration(),
        0.0,
        "Scrape once more after this time, and count the series that are new then. Without, new series are estimated from the "
        "objects that were created within the last hour.",
    )
    output: str = option(OPTIONS, Choice("table", "json"), "table", "Format to print.")

    def problems(self) -> list[str]:
        """Return a line for each thing that does not go together."""
        if not self.urls:
            return ["cardinality: give --url: the URLs of the exporter, or files with its scrapes"]
        if self.wait and not all(map(is_url, self.urls)):
            return ["--wait: a file is the same whenever it is read; give URLs"]
        return []


@dataclass(frozen=True)
class Command:
    """A command: its name, which may be two words, its help and its options, if any."""

    name: str
    help: str
    options: type[Options] | None = None


COMMANDS: Final = (
    Command("run", "Export the metrics of a cluster. The default if no command is given.", Settings),
    Command("demo", "Run a made-up cluster with a few shards to look at, or to scale.", Demo),
    Command("simulate", "Serve a made-up cluster, or objects from files, as an API server does.", Simulate),
    Command("check", "Query all shards, and prove that no object is missing or exported twice.", Check),
    Command(
        "plan",
        "Show how much a change of the shard count moves, or how many shards a number of objects needs.",
        Plan,
    ),
    Command("compare", "Show what a switch from one exporter to another would lose, and which rules need it.", Compare),
    Command("cardinality", "Count series, bytes and churn, and show which no rule or dashboard uses.", Cardinality),
    Command("config validate", "Check the flags, variables and file as run would use them.", Settings),
    Command("custom validate", "Check files of custom resources, and show what they make of objects.", CustomValidate),
    Command("rbac", "Print the ClusterRole and the Roles that run needs with the same flags.", Settings),
    Command("version", "Print the versions of ksm-shard, of Python, and the platform."),
    Command("completion", "Print the completion script for a shell: bash, zsh or fish."),
)
