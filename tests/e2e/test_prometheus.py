"""A real Prometheus scrapes a StatefulSet of real processes, as deploy/ says, and no query sees a change of the fleet.

Excludes fleets that write no timestamps: that no series is missing at any scrape is in test_handover.py.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ksm_shard.sharding.murmur import MMH3, slot_of
from tests.e2e.load import Load
from tests.e2e.measured import CHANGES, Tell
from tests.e2e.prometheus import DISCOVERY, EVALUATION, MONITORING, PROMETHEUS, Prometheus
from tests.e2e.queries import ALERTS, HEADER, RECORDS, ObjectCount, queried
from tests.e2e.servers import Server, simulator, started
from tests.e2e.statefulset import Fleet
from tests.processes import eventually

DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
# As Grafana fills them in: no cluster is All, and a rate is over four scrapes.
VARIABLES = {"$cluster": ".*", "$namespace": "monitoring", "$job": "ksm-shard-telemetry", "$__rate_interval": "8s"}
# Seconds between two scrapes: as short as they can be where a test is to be quick, and as in a small cluster.
QUICK, USUAL = 2.0, 5.0
# Seconds for which a killed pod is away, so that a scrape fails.
AWAY = 6
STAYING = 300
# Scrape intervals for which a pod that is deleted serves on. Others need one of them to be scraped with what it had, and the rest
# to hear of it and load that; what changes while nobody has it is shown as it was for five minutes.
DRAIN = 4
# What has nothing to show while all is well.
EMPTY_WHEN_WELL = {"Lists and watches that failed", "Relists"}

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")


@pytest.fixture(params=["simulator", pytest.param("real", marks=pytest.mark.real)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """The simulator, or a real API server that has nothing in it."""
    yield from simulator() if request.param == "simulator" else started(tmp_path / "real")


@contextmanager
def scraped(folder: Path, interval: float) -> Iterator[Prometheus]:
    """Run a Prometheus that keeps everything in a folder."""
    made = Prometheus(folder, interval, {name: query for name, (query, _) in RECORDS.items()}, ALERTS)
    try:
        yield made
    finally:
        made.process.terminate()
        made.process.wait(20)


@contextmanager
def fleet(server: Server, prometheus: Prometheus, ahead: float = 0.0) -> Iterator[Fleet]:
    """Two shards that a Prometheus scrapes and has firing alerts of, under churn; their clocks may be wrong."""
    interval = prometheus.interval
    with (
        Fleet(
            server.api,
            [*server.flags, "--handover-timestamps"],
            Load(server.api, STAYING, CHANGES),
            handover=max(1.5 * interval, interval + DISCOVERY),
            drain=DRAIN * interval,
            ahead=ahead,
        ) as made,
        prometheus.discovering(made.targets),
    ):
        made.scale(2)
        made.settled()
        made.expect()
        eventually(lambda: prometheus.value("test:firing") == STAYING, "not every pod has an alert that fires")
        yield made


def unseen(seen: list[ObjectCount]) -> None:
    """Fail if a query saw any of these changes."""
    assert {one.what: wrong for one in seen if (wrong := {name: bad for name, bad in one.wrong.items() if bad})} == {}


def ended(seen: list[ObjectCount]) -> None:
    """Fail if what had ended was shown for long."""
    changed = sum(len(one.stayed) for one in seen)  # about as many labels change as pods are deleted
    # Where a label changed just before another shard loaded the pod, and a scrape had it before.
    assert {one.what: worst for one in seen if (worst := max(one.twice, default=0.0)) > one.longest} == {}
    assert sum(len(one.twice) for one in seen) <= changed / 25
    # Where somebody's first timestamp, which is in the future, hides a last word.
    assert sum(len(one.lingered) for one in seen) <= changed / 200
    # Where the timestamp of one is later than the scrape of another that began before.
    assert {one.what: one.ignored for one in seen if one.ignored > one.taken / 20} == {}


def test_no_query_sees_a_change_of_the_fleet(tmp_path: Path, record_property: Tell) -> None:
    """2 -> 3 and at once a rolling restart: every evaluation is as without, deleted pods go, and the dashboard shows all."""
    record_property("measured", HEADER)
    with (
        contextmanager(simulator)() as server,
        scraped(tmp_path, QUICK) as prometheus,
        fleet(server, prometheus) as made,
    ):

        def scale_and_restart() -> None:
            made.scale(3)
            made.until_ready(2)
            made.roll()

        seen = queried("2 -> 3, rolling restart", made, prometheus, scale_and_restart, record_property)
        answers = {title: prometheus.ask("query", query=filled(query)) for title, query in panels()}
        variables = {name: prometheus.values(label, match) for name, (match, label) in choices().items()}
        labelled = prometheus.ask("query", query='count by (job, namespace) (up{instance=~"ksm-shard-."} == 1)')
        others = prometheus.ask("query", query='up{instance!~"ksm-shard-."}')

    unseen([seen])
    ended([seen])
    assert EMPTY_WHEN_WELL >= {title for title, result in answers.items() if not result}
    assert variables == {"job": ["ksm-shard-telemetry"], "cluster": [], "namespace": ["monitoring"]}
    assert [one["metric"] for one in labelled] == [
        {"job": "ksm-shard"},
        {"job": "ksm-shard-telemetry", "namespace": "monitoring"},
    ]
    assert others == []


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [-5.0, 5.0])
def test_shards_may_have_wrong_clocks(server: Server, tmp_path: Path, record_property: Tell, ahead: float) -> None:
    """Five seconds ahead or behind those of Prometheus and the API server, no query sees a change either."""
    record_property("measured", HEADER)
    with scraped(tmp_path, USUAL) as prometheus, fleet(server, prometheus, ahead) as made:
        seen = [
            queried("2 -> 3", made, prometheus, lambda: made.scale(3), record_property),
            queried("rolling restart of 3", made, prometheus, made.roll, record_property),
        ]

    unseen(seen)
    ended(seen)


@pytest.mark.slow
def test_no_query_sees_larger_changes(server: Server, tmp_path: Path, record_property: Tell) -> None:
    """2 -> 3 -> 10 -> 4 shards, a rolling restart, two pods deleted at once, 3 -> 0 -> 3; a kill is seen, until the shard is back.

    What is deleted while there is no shard ends when it may.
    """
    record_property("measured", HEADER)
    with scraped(tmp_path, USUAL) as prometheus, fleet(server, prometheus) as made:

        def from_nothing() -> None:
            made.scale(0)
            made.scale(3)

        seen = [
            queried("nothing", made, prometheus, made.scraped, record_property),
            queried("2 -> 3", made, prometheus, lambda: made.scale(3), record_property),
            queried("3 -> 10", made, prometheus, lambda: made.scale(10), record_property),
            queried("10 -> 4", made, prometheus, lambda: made.scale(4), record_property),
            queried("rolling restart of 4", made, prometheus, made.roll, record_property),
            queried("two of 4 deleted", made, prometheus, lambda: made.evict(1, 2), record_property),
            queried("4 -> 3", made, prometheus, lambda: made.scale(3), record_property),
        ]
        nothing = queried("3 -> 0 -> 3", made, prometheus, from_nothing, record_property)
        killed = queried("kill of 1 of 3", made, prometheus, lambda: made.kill(1, AWAY), record_property)

    unseen([*seen, nothing])
    ended(seen)
    counts = [number or 0 for number in killed.wrong["test:count"].values()]
    missing, shards = STAYING - min(counts, default=STAYING), MMH3.target_map(3)
    owned = sum(shards[slot_of(uid)] == 1 for (kind, _), uid in made.load.uids.items() if kind == "pod")
    record_property("measured", f"kill: {missing:g} of {STAYING} pods missing, for {len(counts) * EVALUATION} s in all")
    assert 0 < missing <= owned


def test_panels_are_about_the_fleet_that_is_chosen() -> None:
    """Every series that a panel reads is filtered by all variables, or joined to one that is."""
    chosen = {name for name, _ in VARIABLES.items() if name != "$__rate_interval"}

    unfiltered = [title for title, query in panels() if not all(name in query for name in chosen)]

    assert unfiltered == []


def panels() -> list[tuple[str, str]]:
    """Return the title and each query of the panels."""
    return [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]


def choices() -> dict[str, tuple[str, str]]:
    """Return, for each variable that is chosen, the series and the label whose values there are to choose from."""
    queries = {one["name"]: one["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"}
    found = {name: re.fullmatch(r"label_values\((.+), (\w+)\)", query) for name, query in queries.items()}
    return {name: (filled(match[1]), match[2]) for name, match in found.items() if match}


def filled(query: str) -> str:
    """Return a query with the variables as Grafana fills them in."""
    for name, text in VARIABLES.items():
        query = query.replace(name, text)
    return query
