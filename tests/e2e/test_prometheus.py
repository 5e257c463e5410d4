"""A real Prometheus scrapes a StatefulSet of real processes, as deploy/ says, and no query sees a change of the fleet.

Excludes fleets that write no timestamps: that no series is missing at any scrape is in test_handover.py.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.api import Api, simulated
from tests.e2e.load import Load
from tests.e2e.measured import CHANGES, Tell
from tests.e2e.prometheus import MONITORING, PROMETHEUS, Prometheus
from tests.e2e.queries import ALERTS, HEADER, RECORDS, ObjectCount, queried
from tests.e2e.statefulset import Fleet
from tests.processes import eventually

DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
# As Grafana fills them in: no cluster is All, and a rate is over four scrapes.
VARIABLES = {"$cluster": ".*", "$namespace": "monitoring", "$job": "ksm-shard-telemetry", "$__rate_interval": "8s"}
INTERVAL = 2.0
STAYING = 300
# Seconds by which a busy machine may be late with anything.
LATE = 1.0
# What has nothing to show while all is well.
EMPTY_WHEN_WELL = {"Lists and watches that failed", "Relists"}

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """A server without targets."""
    server = Prometheus(tmp_path, INTERVAL, {name: query for name, (query, _) in RECORDS.items()}, ALERTS)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)


@contextmanager
def fleet(prometheus: Prometheus, ahead: float = 0.0) -> Iterator[Fleet]:
    """Two shards on the simulator that a server scrapes and has firing alerts of, under churn; their clocks may be wrong."""
    with (
        simulated() as url,
        Api(url) as api,
        Fleet(
            api,
            [f"--apiserver={url}", "--handover-timestamps"],
            Load(api, STAYING, CHANGES),
            handover=1.5 * INTERVAL,
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
    # Where a label changed just before another shard loaded the pod.
    assert max(max(one.twice, default=0.0) for one in seen) <= 2 * INTERVAL + LATE
    # Where somebody's first timestamp, which is in the future, hides a last word.
    lingered = [seconds for one in seen for seconds in one.lingered]
    assert sum(seconds > 2 * INTERVAL + LATE for seconds in lingered) <= len(lingered) / 50


def test_no_query_sees_a_change_of_the_fleet(prometheus: Prometheus, record_property: Tell) -> None:
    """2 -> 3 and a rolling restart under churn: every evaluation is as without, deleted pods go, and the dashboard shows all."""
    record_property("measured", HEADER)
    with fleet(prometheus) as made:
        seen = [
            queried("nothing", made, prometheus, made.scraped, record_property),
            queried("2 -> 3", made, prometheus, lambda: made.scale(3), record_property),
            queried("rolling restart of 3", made, prometheus, made.roll, record_property),
        ]
        answers = {title: prometheus.ask("query", query=filled(query)) for title, query in panels()}
        variables = {name: prometheus.values(label, match) for name, (match, label) in choices().items()}
        labelled = prometheus.ask("query", query='count by (job, namespace) (up{instance=~"ksm-shard-."} == 1)')
        others = prometheus.ask("query", query='up{instance!~"ksm-shard-."}')

    unseen(seen)
    ended(seen)
    assert EMPTY_WHEN_WELL >= {title for title, result in answers.items() if not result}
    assert variables == {"job": ["ksm-shard-telemetry"], "cluster": [], "namespace": ["monitoring"]}
    assert [one["metric"] for one in labelled] == [
        {"job": "ksm-shard"},
        {"job": "ksm-shard-telemetry", "namespace": "monitoring"},
    ]
    assert others == []


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [-5.0, 5.0])
def test_shards_may_have_wrong_clocks(prometheus: Prometheus, record_property: Tell, ahead: float) -> None:
    """Five seconds ahead or behind those of Prometheus and the API server, no query sees a change either."""
    record_property("measured", HEADER)
    with fleet(prometheus, ahead) as made:
        seen = [
            queried("2 -> 3", made, prometheus, lambda: made.scale(3), record_property),
            queried("rolling restart of 3", made, prometheus, made.roll, record_property),
        ]

    unseen(seen)
    ended(seen)


@pytest.mark.slow
def test_no_query_sees_larger_changes(prometheus: Prometheus, record_property: Tell) -> None:
    """2 -> 3 -> 10 -> 4 shards, two pods deleted at once, 4 -> 0 -> 3. What is deleted while there is no shard ends when it may."""
    record_property("measured", HEADER)

    with fleet(prometheus) as made:

        def from_nothing() -> None:
            made.scale(0)
            made.scale(3)

        seen = [
            queried("2 -> 3", made, prometheus, lambda: made.scale(3), record_property),
            queried("3 -> 10", made, prometheus, lambda: made.scale(10), record_property),
            queried("10 -> 4", made, prometheus, lambda: made.scale(4), record_property),
            queried("two of 4 deleted", made, prometheus, lambda: made.evict(1, 2), record_property),
        ]
        nothing = queried("4 -> 0 -> 3", made, prometheus, from_nothing, record_property)

    unseen([*seen, nothing])
    ended(seen)


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
