"""`ksm-shard compare` and `cardinality` on real exporters, whose objects change all the time.

Excludes kube-state-metrics' own scrapes (tests/conformance/test_compare.py) and the words of the report (tests/commands).
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ksm_shard.simulator.churn import Churn
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.simulator.synthetic import cluster
from tests.e2e.prometheus import PROMETHEUS, Prometheus
from tests.processes import Exporter, fleet

pytestmark = pytest.mark.slow

PODS = 200
CHANGES = 20.0  # a second


def run(command: str, *words: str) -> tuple[int, list[str]]:
    """Return the exit status and the lines of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "ksm_shard", command, *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@contextmanager
def changing(simulator: Simulator) -> Iterator[None]:
    """Change pods all the time."""
    churn = Churn(simulator, 1)
    thread = threading.Thread(target=churn.run, args=(CHANGES,))
    thread.start()
    try:
        yield
    finally:
        churn.stop()
        thread.join()


@pytest.fixture(scope="module")
def busy() -> Iterator[str]:
    """The flag that leads to a cluster that changes."""
    simulator = Simulator(list(cluster(PODS, 10, 1)))
    with simulator as serving, changing(simulator):
        yield f"--apiserver={serving.url}"


@pytest.fixture(scope="module")
def old(busy: str) -> Iterator[str]:
    """The URL of one exporter of everything."""
    with Exporter(busy) as exporter:
        yield exporter.ready().url


@pytest.fixture(scope="module")
def shards(busy: str) -> Iterator[list[str]]:
    """The URLs of a fleet of three."""
    with fleet(3, busy) as exporters:
        yield [one.url for one in exporters]


def test_nothing_is_lost_while_objects_change(old: str, shards: list[str]) -> None:
    """There and back: what came, went or changed between two scrapes is no difference."""
    for words in (["--old", old, "--new", *shards], ["--old", *shards, "--new", old]):
        status, lines = run("compare", *words)

        assert status == 0, lines
        assert lines[-1].startswith("nothing is lost: ")


def test_a_part_of_a_fleet_is_refused(old: str, shards: list[str]) -> None:
    """Two of three shards would look like a great loss; the third one is asked for instead."""
    done = subprocess.run(
        [sys.executable, "-m", "ksm_shard", "compare", "--old", old, "--new", *shards[:2]],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    expected = "ksm-shard: --new: give it once for each of the 3 shards; missing: 2\n"
    assert (2, expected) == (done.returncode, done.stderr)


def test_filters_are_told_by_the_shard(old: str, busy: str, tmp_path: Path) -> None:
    """What a denylist and a namespace leave out has that reason, and the rule that needs it is named."""
    rules = tmp_path / "rules.yaml"
    rules.write_text("groups: [{name: g, rules: [{alert: Owned, expr: count by (owner_kind) (kube_pod_owner)}]}]")
    with Exporter(busy, "--metric-denylist=^kube_pod_owner$", "--resources=pods,nodes") as new:
        status, lines = run("compare", "--old", old, "--new", new.ready().url, "--rules", str(rules))

    assert status == 1
    text = "\n".join(lines)
    assert "missing: --metric-denylist of the new side names it" in text
    assert "missing: --resources of the new side leaves out services" in text
    assert f"affected: {rules}: g / Owned: uses kube_pod_owner, which would not be there" in lines


@pytest.mark.skipif(not PROMETHEUS, reason="needs prometheus")
def test_the_rules_that_a_prometheus_has_loaded(old: str, shards: list[str], tmp_path: Path) -> None:
    """They are read without their files."""
    prometheus = Prometheus(tmp_path, 60, {"pods:count": "count(kube_pod_info)"}, {"Many": "pods:count > 1000"})
    try:
        status, lines = run("compare", "--old", old, "--new", *shards, "--prometheus", prometheus.url)
    finally:
        prometheus.process.send_signal(signal.SIGTERM)
        prometheus.process.wait(30)

    assert status == 0, lines
    assert "0 of 3 expressions are affected" in lines  # with the tick of every test


def test_new_series_are_counted_while_objects_change(shards: list[str]) -> None:
    """Some of the changes of a second are new pods: the second scrape has series that the first had not."""
    status, lines = run("cardinality", "--url", *shards, "--wait=3s", "--output=json")

    found = json.loads("\n".join(lines))
    assert status == 0
    assert found["series"] == sum(one["series"] for one in found["namespaces"])
    assert found["new_series_per_hour"] > 0
    moving = {one["name"] for one in found["families"] if one["new_series_per_hour"]}
    assert {"kube_pod_info", "kube_pod_created"} <= moving
    assert "kube_node_info" not in moving
