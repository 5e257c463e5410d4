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
MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
# As Grafana fills them in: no cluster is All, and a rate is over four scrapes.
VARIABLES = {"$cluster": ".*", "$namespace": "monitoring", "$job": "ksm-shard-telemetry", "$__rate_interval": "8s"}
# Prometheus looks at what it has discovered every 5 s, and then scrapes after up to a second: whoever lets go sooner is missed.
HANDOVER = 10.0
STAYING = 300
# What has nothing to show while all is well.
EMPTY_WHEN_WELL = {"Lists and watches that failed", "Relists"}

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")


class Prometheus:
    """A server with the jobs of deploy/monitoring/scrape-config.yaml, which a file tells what Kubernetes would: the pods.

    Only where the pods come from and how often they are scraped is another.
    """

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._pods = folder / "pods.json"
        config = yaml.safe_load((MONITORING / "scrape-config.yaml").read_text())
        for job in config["scrape_configs"]:
            del job["kubernetes_sd_configs"]
            job |= {"file_sd_configs": [{"files": [str(self._pods)]}], "scrape_interval": "2s", "scrape_timeout": "2s"}
        file = folder / "prometheus.yaml"
        file.write_text(yaml.safe_dump(config))
        self.target([])
        command = [
            str(PROMETHEUS), f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--query.lookback-delta=10s", "--log.level=error",
        ]  # fmt: skip
        self.process = subprocess.Popen(command)
        eventually(self._answers, "prometheus does not answer")

    def target(self, shards: list[tuple[str, str, str]]) -> None:
        """Let there be these pods: their names and the URLs of both ports, and one that nothing answers for and nobody wants."""
        ports = [(name, "metrics", url) for name, url, _ in shards] + [
            (name, "telemetry", url) for name, _, url in shards
        ]
        pods = [discovered(*port, app="ksm-shard") for port in ports] + [
            discovered("other-0", "metrics", "http://x:1", app="other")
        ]
        fresh = self._pods.with_suffix(".new")
        fresh.write_text(json.dumps(pods))
        fresh.replace(self._pods)

    def ask(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the result of a query."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return list(json.loads(answer.read())["data"]["result"])

    def over(self, query: str, began: float, ended: float) -> list[float]:
        """Return the numbers that a query comes to in that time, one a second."""
        (counted,) = self.ask("query_range", query=query, start=str(began), end=str(ended), step="1")
        return [float(number) for _, number in counted["values"]]

    def values(self, label: str, match: str) -> list[str]:
        """Return the values that a label has among some series."""
        query = urllib.parse.urlencode({"match[]": match})
        with urllib.request.urlopen(f"{self._url}/api/v1/label/{label}/values?{query}", timeout=20) as answer:
            return list(json.loads(answer.read())["data"])

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
    """2 -> 4 shards: `count(kube_pod_info)` never falls, and counted by uid it is always the same; the dashboard shows all."""
    plain, by_uid = "count(kube_pod_info)", 'count(count by (uid) (kube_pod_info{namespace="load"}))'
    done = threading.Event()
    with (
        simulated() as url,
        Api(url) as api,
        # No pods come and go: these would be fewer at times.
        Fleet(api, [f"--apiserver={url}"], Load(api, STAYING, 50.0, passing=0), handover=HANDOVER) as fleet,
    ):

        def discover() -> None:
            while not done.wait(0.2):
                prometheus.target(fleet.targets())

        finder = threading.Thread(target=discover, daemon=True)
        finder.start()
        fleet.scale(2)
        fleet.settled()
        # The pods of the fleet count too; what the two shards had twice while they started is forgotten by then.
        eventually(lambda: value(prometheus, plain) == STAYING + 2, "prometheus does not see all pods, each once")
        before, began = value(prometheus, plain), time.time()
        fleet.scale(4)
        fleet.settled()
        eventually(lambda: value(prometheus, plain) == STAYING + 4, "prometheus does not see all pods, each once again")
        ended = time.time()
        counts = prometheus.over(plain, began, ended)
        uids = prometheus.over(by_uid, began, ended)
        answers = {title: prometheus.ask("query", query=filled(query)) for title, query in panels()}
        variables = {name: prometheus.values(label, match) for name, (match, label) in choices().items()}
        labelled = prometheus.ask("query", query='count by (job, namespace) (up{instance=~"ksm-shard-."} == 1)')
        others = prometheus.ask("query", query='up{instance!~"ksm-shard-."}')
        done.set()
        finder.join()

    assert min(counts) >= before
    assert max(counts) > STAYING + 4, "no hand-over was seen"
    assert set(uids) == {STAYING}
    assert EMPTY_WHEN_WELL >= {title for title, result in answers.items() if not result}
    assert variables == {"job": ["ksm-shard-telemetry"], "cluster": [], "namespace": ["monitoring"]}
    assert [one["metric"] for one in labelled] == [
        {"job": "ksm-shard"},
        {"job": "ksm-shard-telemetry", "namespace": "monitoring"},
    ]
    assert others == []


def test_panels_are_about_the_fleet_that_is_chosen() -> None:
    """Every series that a panel reads is filtered by all variables, or joined to one that is."""
    chosen = {name for name, _ in VARIABLES.items() if name != "$__rate_interval"}

    unfiltered = [title for title, query in panels() if not all(name in query for name in chosen)]

    assert unfiltered == []


def discovered(pod: str, port: str, url: str, app: str) -> dict[str, Any]:
    """Return a port of a pod as Prometheus discovers it."""
    labels = {
        "namespace": "monitoring",
        "pod_name": pod,
        "pod_container_port_name": port,
        "pod_label_app_kubernetes_io_name": app,
    }
    return {
        "targets": [url.removeprefix("http://")],
        "labels": {f"__meta_kubernetes_{name}": text for name, text in labels.items()},
    }


def value(prometheus: Prometheus, query: str) -> float:
    """Return the one number that a query comes to, 0 for none."""
    result = prometheus.ask("query", query=query)
    return float(result[0]["value"][1]) if result else 0


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
