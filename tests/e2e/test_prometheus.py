"""A real Prometheus scrapes a StatefulSet of real processes through a scale-up, and answers every query of the dashboard."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.api import Api, simulated
from tests.e2e.load import Load
from tests.e2e.statefulset import Fleet
from tests.processes import eventually

PROMETHEUS = shutil.which("prometheus")
DASHBOARD = Path(__file__).parents[2] / "deploy" / "monitoring" / "dashboard.json"
STAYING = 300
# What has nothing to show while all is well.
EMPTY_WHEN_WELL = {"Lists and watches that failed", "Relists"}

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")


class Prometheus:
    """A server with two jobs, labelled as the PodMonitor does it, whose targets are in a file."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._targets = {job: folder / f"{job}.json" for job in ("ksm-shard", "ksm-shard-telemetry")}
        jobs = [
            {"job_name": job, "honor_labels": job == "ksm-shard", "file_sd_configs": [{"files": [str(file)]}]}
            for job, file in self._targets.items()
        ]
        config = folder / "prometheus.yaml"
        config.write_text(
            yaml.safe_dump({"global": {"scrape_interval": "2s", "scrape_timeout": "2s"}, "scrape_configs": jobs})
        )
        self.target([])
        command = [
            str(PROMETHEUS), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--query.lookback-delta=10s", "--log.level=error",
        ]  # fmt: skip
        self.process = subprocess.Popen(command)
        eventually(self._answers, "prometheus does not answer")

    def target(self, shards: list[tuple[str, str, str]]) -> None:
        """Scrape these shards: their names and the URLs of both ports."""
        for at, file in enumerate(self._targets.values(), 1):
            groups = [{"targets": [one[at].removeprefix("http://")], "labels": {"instance": one[0]}} for one in shards]
            fresh = file.with_suffix(".new")
            fresh.write_text(json.dumps(groups))
            fresh.replace(file)

    def ask(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the result of a query."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return list(json.loads(answer.read())["data"]["result"])

    def _answers(self) -> bool:
        try:
            self.ask("query", query="1")
        except (OSError, ValueError, TypeError):
            return False
        return True


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """A server without targets."""
    server = Prometheus(tmp_path)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)


def test_prometheus_never_counts_fewer_pods_while_a_fleet_grows(prometheus: Prometheus) -> None:
    """2 -> 4 shards: `count` of the pods that stay never falls; then each query of the dashboard has data."""
    count = 'count(count by (uid) (kube_pod_created{pod=~"stays-.*"}))'
    done = threading.Event()
    with (
        simulated() as url,
        Api(url) as api,
        Fleet(api, [f"--apiserver={url}"], Load(api, STAYING, 50.0, passing=0)) as fleet,
    ):

        def discover() -> None:
            while not done.wait(0.2):
                prometheus.target(fleet.targets())

        finder = threading.Thread(target=discover, daemon=True)
        finder.start()
        fleet.scale(2)
        fleet.settled()
        eventually(lambda: value(prometheus, count) == STAYING, "prometheus does not see all pods")
        began = time.time()
        fleet.scale(4)
        fleet.settled()
        eventually(
            lambda: value(prometheus, "count(kube_state_metrics_shard_ordinal)") == 4, "not all shards are scraped"
        )
        ended = time.time()
        (counted,) = prometheus.ask("query_range", query=count, start=str(began), end=str(ended), step="1")
        queries = dashboard()
        answers = {title: prometheus.ask("query", query=query) for title, query in queries}
        done.set()
        finder.join()

    assert {str(STAYING)} == {number for _, number in counted["values"]}
    assert EMPTY_WHEN_WELL >= {title for title, result in answers.items() if not result}


def value(prometheus: Prometheus, query: str) -> float:
    """Return the one number that a query comes to, 0 for none."""
    result = prometheus.ask("query", query=query)
    return float(result[0]["value"][1]) if result else 0


def dashboard() -> list[tuple[str, str]]:
    """Return the title and the query of each panel, with the variables of a viewer and ranges that fit a short test."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [
        (panel["title"], re.sub(r"\[\d+[mh]\]", "[10s]", target["expr"].replace("$job", "ksm-shard-telemetry")))
        for panel in panels
        for target in panel["targets"]
    ]
