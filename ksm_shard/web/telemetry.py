"""Metrics about the exporter, under the names of kube-state-metrics where it has them and `ksm_shard_` where it has not.

What the process counts and knows is read from the source when it is scraped; only what happens here, requests, is pushed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics_text
from prometheus_client.registry import Collector

from ksm_shard.status.custom import CustomStatus
from ksm_shard.status.model import ResourceStatus, Status
from ksm_shard.status.setup import SetupCheck
from ksm_shard.web.access import DENIED
from ksm_shard.web.refusals import REASONS
from ksm_shard.web.source import Source

if TYPE_CHECKING:
    from ksm_shard.web.webfile import WebFile

# Those of the Go client, so that histogram_quantile over old and new exporters together is right.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Methods that become a label value. A client may make up any other, and each would be kept for ever with 14 series.
METHODS: Final = frozenset({"connect", "delete", "get", "head", "options", "patch", "post", "put", "trace"})
# Reasons why a connection is closed by this side, besides its own wish: no header in time, too many connections, too many
# requests, too much that a slow reader keeps from being forgotten, and no handshake of TLS.
DROPPED: Final = ("header", "full", "busy", "unread", "handshake")

Sample = tuple[tuple[str, ...], float]
Samples = Callable[[ResourceStatus], Iterable[Sample]]


def _number(value: Callable[[ResourceStatus], float]) -> Samples:
    return lambda resource: [((), value(resource))]


def _version(resource: ResourceStatus) -> Iterable[Sample]:
    """An opaque string in the API, a growing number in every server (KEP 5504); what is none is left out."""
    return [((), float(resource.resource_version))] if resource.resource_version.isdecimal() else []


# Families with `resource` first among their labels: name, help, further labels, samples of a resource.
GAUGES: Final[tuple[tuple[str, str, tuple[str, ...], Samples], ...]] = (
    ("objects_seen", "Objects that the API server showed.", (), _number(lambda r: r.seen)),
    ("objects_owned", "Objects that are served here.", (), _number(lambda r: r.owned)),
    ("synced", "Whether all that is to be served has been listed.", (), _number(lambda r: r.synced)),
    ("last_event_timestamp_seconds", "When the last event or list arrived.", (),
     lambda r: [] if r.stats.last_event is None else [((), r.stats.last_event)]),
    ("resource_version", "Resource version of the last event.", (), _version),
    ("state", "State of the reflector, always 1.", ("state",), lambda r: [((r.stats.state,), 1)]),
    ("server_side_filtering", "Whether the API server sends only what is owned.", (), _number(lambda r: r.filtered)),
    ("repeated_series", "Series that several objects have, of which one is exposed.", ("family",),
     lambda r: _by(dict(r.repeated))),
    ("custom_samples", "Samples of a family of custom resources.", ("family",),
     lambda r: [((family,), one.samples) for family, one in sorted(r.tallies.items())]),
    ("custom_objects_without_sample", "Objects of which a family of custom resources has no sample.", ("family",),
     lambda r: [((family,), one.without) for family, one in sorted(r.tallies.items())]),
    ("page_bytes", "Size of all pages: as kept, and as the text they stand for.", ("form",),
     lambda r: [(("deflated",), r.deflated), (("text",), r.text)]),
)  # fmt: skip
COUNTERS: Final[tuple[tuple[str, str, tuple[str, ...], Samples], ...]] = (
    ("watch_restarts", "Watches that were opened again.", (), _number(lambda r: r.stats.watch_restarts)),
    ("relists", "Lists that began.", ("reason",), lambda r: _by(r.stats.relists)),
    ("watch_errors", "Lists and watches that failed.", ("error",), lambda r: _by(r.stats.failures)),
    ("events", "Events of watches.", ("type",), lambda r: _by(r.stats.events)),
    ("received_bytes", "Bytes read from the API server.", (), _number(lambda r: r.stats.received)),
    ("listed_bytes", "Those of them that were read while listing.", (), _number(lambda r: r.stats.listed)),
    ("wire_errors", "Objects passed over, as they could not be read.", (), _number(lambda r: r.stats.wire_errors)),
    ("render_errors", "Objects that a family could not be written for.", ("family",),
     lambda r: _by(r.stats.render_errors)),
    ("values_without_sample", "Values that a metric of a custom resource looked for and could not use.",
     ("family", "why"), lambda r: sorted(r.stats.noted.copy().items())),
    ("duplicate_series_dropped", "Series that one object repeated.", (), _number(lambda r: r.stats.duplicates)),
)  # fmt: skip


def _by(counts: dict[str, int]) -> Iterable[Sample]:
    return [((key,), count) for key, count in sorted(counts.copy().items())]


class Telemetry(Collector):
    """Registry of one process.

    Attributes:
        gathering: called with the seconds that a scrape's pages took to gather.
        refused: called for a scrape that is one too many.
    """

    def __init__(self, source: Source, web: "WebFile | None" = None) -> None:
        """Expose what `source` says at the time of each scrape, and of the web configuration if there is one."""
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # text has no place for them
        self._source, self._web = source, web
        self._registry = registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=registry)
        self._requests = prometheus_client.Histogram(
            "http_request_duration_seconds",
            "Duration of requests on the main port, until the last byte was taken.",
            ("handler", "method"), buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self._sent = prometheus_client.Counter(
            "ksm_shard_response_bytes", "Bytes of scrapes that clients took.", ("encoding",), registry=registry
        )
        self.gathering = prometheus_client.Histogram(
            "ksm_shard_scrape_duration_seconds",
            "Seconds to gather the pages of a scrape, before its first byte.", buckets=BUCKETS, registry=registry,
        ).observe  # fmt: skip
        self.refused = prometheus_client.Counter(
            "ksm_shard_scrapes_refused", "Scrapes that were one too many of those under way.", registry=registry
        ).inc
        self._invalid = _by_reason(
            registry,
            "ksm_shard_invalid_requests",
            "Requests that were refused unread, or as they are not HTTP.",
            REASONS,
        )
        self._dropped = _by_reason(
            registry, "ksm_shard_connections_dropped", "Connections that were closed before they were served.", DROPPED
        )
        self._denied = _by_reason(
            registry,
            "ksm_shard_requests_denied",
            "Requests that were refused for their credentials, or for too many of them.",
            DENIED,
        )
        registry.register(self)

    def requested(self, handler: str, method: str, seconds: float) -> None:
        """Count a request that took so long."""
        method = method.lower()
        self._requests.labels(handler, method if method in METHODS else "other").observe(seconds)

    def invalid(self, reason: str) -> None:
        """Count a request that was refused before any site saw it."""
        self._invalid[reason].inc()

    def dropped(self, reason: str) -> None:
        """Count a connection that was closed for one of DROPPED."""
        self._dropped[reason].inc()

    def denied(self, reason: str) -> None:
        """Count a request that was refused for one of DENIED."""
        self._denied[reason].inc()

    def sending(self, encoding: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass pieces on, and count each once the client's socket has taken it."""
        count = self._sent.labels(encoding).inc
        for piece in pieces:
            yield piece
            count(len(piece))

    def expose(self, openmetrics: bool) -> bytes:
        """All metrics, as OpenMetrics or as text."""
        if openmetrics:
            return bytes(openmetrics_text.generate_latest(self._registry))  # type: ignore[no-untyped-call]
        return prometheus_client.generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield what the source knows now, for the registry."""
        status = self._source.status()
        yield from _reference(status)
        yield from self._fleet(status)
        if self._web is not None:
            yield from _web(self._web)
        for kind, rows in (GaugeMetricFamily, GAUGES), (CounterMetricFamily, COUNTERS):
            for name, text, labels, samples in rows:
                family = kind(f"ksm_shard_{name}", text, labels=("resource", *labels))
                for resource in status.resources:
                    for values, value in samples(resource):
                        family.add_metric((resource.name, *values), value)
                yield family

    def _fleet(self, status: Status) -> Iterator[Metric]:
        slots = GaugeMetricFamily(
            "ksm_shard_slots",
            "Slots: owned, of those gained but not loaded, lost at the last change, held for another, of those covering "
            "for a deleted pod.",
            labels=("state",),
        )
        masks = status.slots
        for state, mask in (
            ("owned", masks.own),
            ("gained", masks.gained),
            ("lost", masks.lost),
            ("held", masks.held),
            ("covering", masks.covering),
        ):
            slots.add_metric((state,), mask.count(1))
        yield slots
        phase = GaugeMetricFamily("ksm_shard_handover_phase", "Phase of the hand-over, always 1.", labels=("phase",))
        phase.add_metric((status.phase,), 1)
        yield phase
        yield GaugeMetricFamily("ksm_shard_handover_seconds", "How long that phase has lasted.", status.phase_seconds)
        fleet = GaugeMetricFamily("ksm_shard_map_info", "The map of slots.", labels=("ring", "digest", "total"))
        fleet.add_metric((status.ring, status.digest, str(status.total)), 1)
        yield fleet
        yield GaugeMetricFamily(
            "ksm_shard_membership_problem",
            "Whether something keeps this shard from knowing its fleet, so that the last known slots are kept.",
            bool(status.problem),
        )
        states = GaugeMetricFamily(
            "ksm_shard_membership_state",
            "State of each watch of the membership, always 1.",
            labels=("resource", "state"),
        )
        for resource, state in sorted(status.membership.items()):
            states.add_metric((resource, state), 1)
        yield states
        setup = GaugeMetricFamily(
            "ksm_shard_setup_problem",
            "Whether a check of how this shard was set up finds a problem.",
            labels=("check",),
        )
        for check in SetupCheck:
            setup.add_metric((check,), check in status.setup)
        yield setup
        if status.custom is not None:
            yield from _custom(status.custom)


def _by_reason(
    registry: prometheus_client.CollectorRegistry, name: str, text: str, reasons: Iterable[str]
) -> dict[str, prometheus_client.Counter]:
    """Return a counter for each reason, all of them exposed from the start."""
    family = prometheus_client.Counter(name, text, ("reason",), registry=registry)
    return {reason: family.labels(reason) for reason in reasons}


def _reference(status: Status) -> Iterator[Metric]:
    """Yield the metrics that kube-state-metrics has of itself."""
    build = GaugeMetricFamily("kube_state_metrics_build_info", "What is running.", labels=("version",))
    build.add_metric((status.version,), 1)
    yield build
    yield from _config(status)
    if status.shard is not None:
        ordinal = GaugeMetricFamily(
            "kube_state_metrics_shard_ordinal", "Number of this shard, from 0.", labels=("shard_ordinal",)
        )
        ordinal.add_metric((str(status.shard),), status.shard)
        yield ordinal
    yield GaugeMetricFamily("kube_state_metrics_total_shards", "How many shards there are.", status.total)
    lists = CounterMetricFamily("kube_state_metrics_list", "Lists asked for, by result.", labels=("resource", "result"))
    watches = CounterMetricFamily(
        "kube_state_metrics_watch", "Watches asked for, by result.", labels=("resource", "result")
    )
    objects = GaugeMetricFamily("kube_state_metrics_list_objects", "Objects of the last list.", labels=("resource",))
    limits = GaugeMetricFamily(
        "kube_state_metrics_list_objects_limit", "Most objects that are listed.", labels=("resource",)
    )
    for resource in status.resources:
        for family, counts in (lists, resource.stats.lists), (watches, resource.stats.watches):
            for values, count in _by(counts):
                family.add_metric((resource.type, *values), count)
        objects.add_metric((resource.type,), resource.listed)
        if status.object_limit:
            limits.add_metric((resource.type,), status.object_limit)
    yield from (lists, watches, objects, limits)


def _web(file: "WebFile") -> Iterator[Metric]:
    """Yield the state of the web configuration."""
    for name, text, value in (
        ("successful", "Whether the web configuration is in force as it is in its files.", float(file.successful)),
        ("success_timestamp_seconds", "When the web configuration that is in force was read.", file.since),
    ):
        gauge = GaugeMetricFamily(f"ksm_shard_web_config_last_reload_{name}", text, labels=("filename",))
        gauge.add_metric((file.name,), value)
        yield gauge


def _config(status: Status) -> Iterator[Metric]:
    """Yield when the files were read, and whether their newest contents are in force.

    A file that was never there has no hash, and no time.
    """
    hashes, successes, times = (
        GaugeMetricFamily(f"kube_state_metrics_{name}", text, labels=("type", "filename"))
        for name, text in (
            ("config_hash", "Hash of the configuration file that is in force."),
            ("last_config_reload_successful", "Whether the newest contents of the configuration file are in force."),
            ("last_config_reload_success_timestamp_seconds", "When the configuration that is in force was read."),
        )
    )
    custom = status.custom.file if status.custom is not None else None
    for kind, file in ("config", status.config), ("customresourceconfig", custom):
        if file is not None:
            successes.add_metric((kind, file.name), not file.problem)
        if file is not None and file.read:
            hashes.add_metric((kind, file.name), file.hash)
            times.add_metric((kind, file.name), file.read)
    yield from (family for family in (hashes, successes, times) if family.samples)


def _custom(status: CustomStatus) -> Iterator[Metric]:
    """Yield what is known of the entries of Custom Resource State."""
    entries = GaugeMetricFamily(
        "ksm_shard_custom_entries",
        "Entries of Custom Resource State by whether their resource is served.",
        labels=("state",),
    )
    entries.add_metric(("served",), status.file.entries - len(status.unserved))
    entries.add_metric(("unserved",), len(status.unserved))
    yield entries
    yield GaugeMetricFamily(
        "kube_state_metrics_custom_resource_state_cache",
        "CustomResourceDefinitions in the cluster.",
        status.definitions,
    )
    for what, count in status.events.items():
        yield CounterMetricFamily(
            f"kube_state_metrics_custom_resource_state_{what}_events",
            f"Events of CustomResourceDefinitions of the kind {what}.",
            count,
        )
    yield GaugeMetricFamily(
        "ksm_shard_custom_discovery_problem",
        "Whether discovery or the watch of CustomResourceDefinitions fails.",
        bool(status.problem),
    )
