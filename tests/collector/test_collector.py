"""What a scrape takes of one resource, in either format. Excludes who owns an object (test_intake) and the store."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from ksm_shard.cluster.client import connect
from ksm_shard.cluster.reader import Reader
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.exposed import joined
from ksm_shard.collector.targets import Scope, path_of, targets
from ksm_shard.kinds.pods import pods
from ksm_shard.sharding.masks import ALL
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.store.pages import text_pieces
from tests.wire.dicts import Dicts

RESTARTS = "kube_pod_container_status_restarts_total"


@pytest.fixture
def collector() -> Collector:
    """Return pods, all their families on and all objects owned."""
    return Collector(pods, pods.families, Ownership(MMH3, ALL), lambda: 0.0)


def put(collector: Collector, name: str, *restarts: int) -> None:
    """Export a pod whose containers were restarted so often."""
    statuses = [{"name": f'c{at}"}} -1', "restartCount": count} for at, count in enumerate(restarts)]
    sink = collector.sink()
    sink.put(Dicts(), {"metadata": {"name": name, "uid": name}, "status": {"containerStatuses": statuses}})


def text(collector: Collector, *, openmetrics: bool) -> str:
    """Return a scrape."""
    return b"".join(text_pieces(joined(collector.exposed(openmetrics=openmetrics)))).decode()


def counts(scrape: str) -> list[str]:
    """Return the values of the restarts in a scrape, pod by pod."""
    return [line.rpartition(" ")[2] for line in scrape.splitlines() if line.startswith(f"{RESTARTS}{{")]


def test_a_count_below_zero_costs_only_its_sample(collector: Collector) -> None:
    """OpenMetrics has no such counter, and its parser refuses a scrape with one. Text has it, and it is counted."""
    put(collector, "good", 3)
    put(collector, "odd", -1, 2)

    openmetrics = text(collector, openmetrics=True)

    assert ["3", "2"] == counts(openmetrics)
    assert ["3", "-1", "2"] == counts(text(collector, openmetrics=False))
    assert {RESTARTS: 1} == collector.stats.render_errors
    parsed = {family.name for family in text_string_to_metric_families(f"{openmetrics}# EOF\n")}
    assert RESTARTS.removesuffix("_total") in parsed
    assert len(pods.families) == len(parsed)


def test_a_count_that_is_right_again_is_there_again(collector: Collector) -> None:
    """Both formats say the same, whatever there was before."""
    put(collector, "odd", -1)
    assert [] == counts(text(collector, openmetrics=True))
    put(collector, "odd", 1)

    assert ["1"] == counts(text(collector, openmetrics=True)) == counts(text(collector, openmetrics=False))


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), {"a", "b"}),
        (Scope(namespaces=["a"]), {"a"}),
        (Scope(namespaces=["a", "b"], namespaces_denylist=["a"]), {"b"}),
        (Scope(namespaces_denylist=["a"]), {"b"}),
        (Scope(namespaces_denylist=["ab"]), {"a", "b"}),
    ],
)
def test_namespaces_that_are_covered(collector: Collector, scope: Scope, covered: set[str]) -> None:
    """Nobody may ask about objects of others: not who could list them, nor the exporter for somebody else."""
    server = connect("http://127.0.0.1:9", None)
    for target in targets(pods, scope):
        collector.follow(target, Reader(server, target))

    assert covered == {name for name in ("a", "b") if collector.covers(path_of(pods, name), name)}
