"""Rehearse a move: the recorded scrape of kube-state-metrics is the old exporter, three shards are the new one.

A real Prometheus scrapes both, and is switched over as docs/moving.md says: the new series get the job and the instance of the old
ones, so they are the same series.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from typing import Any

import pytest

from tests.conformance.reference import expected_of, runs, simulated
from tests.e2e.prometheus import EVALUATION, PROMETHEUS, TICK, Prometheus
from tests.processes import PATIENCE, Exporter, eventually, fleet

JOB = "kube-state-metrics"
INTERVAL = 1.0
# Evaluations, four a second, within which series that end are gone: Prometheus waits two intervals before it says so.
LONG = 32
RECORDS = {
    "test:count": f'count(kube_pod_info{{job="{JOB}"}})',
    "test:sum": f'sum(kube_pod_status_phase{{job="{JOB}"}})',
    "test:join": f'count(kube_pod_status_phase{{job="{JOB}"}} * on (uid) group_left (node) kube_pod_info{{job="{JOB}"}})',
    "test:firing": 'count(ALERTS{alertstate="firing"})',
    "test:begun": 'count(ALERTS{alertstate="pending"}) or vector(0)',
}
ALERTS = {"PodIsThere": f'kube_pod_info{{job="{JOB}"}}'}


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
def test_no_query_notices_the_move_nor_the_way_back(tmp_path: Path) -> None:
    """Sums, joins and an alert that fires are at every evaluation what they were."""
    prometheus = Prometheus(tmp_path, INTERVAL, RECORDS, ALERTS)
    try:
        with (
            serving(expected_of("random", "default")) as old,
            simulated("random") as server,
            fleet(3, *server, *runs()["default"]) as shards,
        ):
            prometheus.target([(f"ksm-shard-{at}", one.url, one.telemetry) for at, one in enumerate(shards)])
            prometheus.reconfigure(lambda config: config["scrape_configs"].append(job_of(old)))
            eventually(lambda: beside(prometheus), "the shards are not scraped beside the old exporter")
            compared = compare(old, shards)

            began = time()
            usual = {name: prometheus.value(name) for name in RECORDS}
            evaluated(prometheus, began, 10)
            prometheus.reconfigure(lambda config: switch(config, old))
            evaluated(prometheus, time(), LONG)
            stale = prometheus.value(f'time() - min(timestamp(kube_pod_info{{job="{JOB}"}}))')
            prometheus.reconfigure(lambda config: switch_back(config, old))
            evaluated(prometheus, time(), LONG)
            seen = {name: prometheus.recorded(name, began, time()) for name in RECORDS}
    finally:
        prometheus.process.terminate()
        prometheus.process.wait(20)

    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert stale < 3 * INTERVAL  # the shards write the series now
    assert usual["test:begun"] == 0
    assert usual["test:firing"] == usual["test:count"] > 0
    assert {name: [] for name in RECORDS} == {
        name: [value for value in seen[name].values() if value != usual[name]] for name in RECORDS
    }


@contextmanager
def serving(text: str) -> Iterator[str]:
    """Serve a recorded scrape; yield its host and port."""

    class Recorded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  of the base class
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Recorded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def job_of(old: str) -> dict[str, Any]:
    """Return the job of the old exporter."""
    seconds = f"{INTERVAL:g}s"
    return {
        "job_name": JOB,
        "honor_labels": True,
        "scrape_interval": seconds,
        "scrape_timeout": seconds,
        "static_configs": [{"targets": [old]}],
    }


def beside(prometheus: Prometheus) -> bool:
    """Return whether both are scraped, and the alert about the old one's series fires for all of them."""
    shards = prometheus.value('count(count by (instance) (up{job="ksm-shard"} == 1))')
    pods = prometheus.value(RECORDS["test:count"])
    new = prometheus.value('count(kube_pod_info{job="ksm-shard"})')
    return shards == 3 and 0 < pods == new == prometheus.value("test:firing") == prometheus.value("test:count")


def switch(config: dict[str, Any], old: str) -> None:
    """Give the series of the shards the job and the instance of the old exporter, and scrape that no more."""
    config["scrape_configs"] = without(config, JOB)
    job = next(job for job in config["scrape_configs"] if job["job_name"] == "ksm-shard")
    # Labels of samples change at once; those of targets when Prometheus next takes discovered pods over, up to 5 s later. With the
    # job among the latter, series had one new label and one old for so long: 12 alerts began anew.
    job["metric_relabel_configs"] += [
        {"target_label": "job", "replacement": JOB},
        {"target_label": "instance", "replacement": old},
    ]


def switch_back(config: dict[str, Any], old: str) -> None:
    """Scrape the old exporter again, and the shards no more.

    Were only their labels taken away, Prometheus would end the series with these labels: a gap until the old exporter is scraped.
    """
    config["scrape_configs"] = [*without(config, "ksm-shard"), job_of(old)]


def without(config: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return all jobs but one."""
    return [job for job in config["scrape_configs"] if job["job_name"] != name]


def compare(old: str, shards: list[Exporter]) -> "subprocess.CompletedProcess[str]":
    """Run `ksm-shard compare`."""
    command = [sys.executable, "-m", "ksm_shard", "compare", f"--old=http://{old}/metrics"]
    command += [f"--new={shard.url}/metrics" for shard in shards]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


def evaluated(prometheus: Prometheus, began: float, count: int) -> None:
    """Wait until the rules were evaluated so often."""

    def often() -> bool:
        now = time()
        return now > began + EVALUATION and len(prometheus.recorded(TICK, began, now)) >= count

    eventually(often, "the rules are not evaluated")
