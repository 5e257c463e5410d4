"""Measures an exporter of many pods, step by step, for the table in docs/decisions.md.

    python -m bench.table                         20,000 made-up pods, served by the simulator over plain HTTP
    python -m bench.table --kubeconfig FILE       the pods of a real API server, over TLS

CPU is that of the exporter's worker alone, as the kernel counts it. All figures scale with the machine, so each run first measures
`json.loads` of the same pods.
"""

import argparse
import gzip
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config

from tests.processes import Exporter, eventually

TICKS = 100
CHANGES = 5000
SCRAPES = 5
# Seconds that json.loads of one pod took on the machine on which the reference was measured and the goals were set.
REFERENCE_JSON = 260e-6


@dataclass(frozen=True)
class Server:
    """An API server with pods: the exporter's flags for it, and a way to read and change objects."""

    flags: list[str]
    request: Any

    def get(self, path: str) -> bytes:
        """Return the JSON at a path."""
        return bytes(self.request("GET", path, None))

    def patch(self, path: str, change: dict[str, Any]) -> int:
        """Apply a merge patch to an object; return its new resource version."""
        changed = json.loads(self.request("PATCH", path, json.dumps(change).encode()))
        return int(changed["metadata"]["resourceVersion"])


@contextmanager
def simulated(pods: int) -> Iterator[Server]:
    """Serve made-up pods from the simulator."""
    command = [sys.executable, "-m", "ksm_shard", "simulate", f"--pods={pods}", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]

        def request(method: str, path: str, body: bytes | None) -> bytes:
            headers = {"Content-Type": "application/merge-patch+json", "Accept": "application/json"}
            asked = urllib.request.Request(url + path, body, headers, method=method)
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return bytes(answer.read())

        yield Server([f"--apiserver={url}"], request)
        process.terminate()


@contextmanager
def real(kubeconfig: str) -> Iterator[Server]:
    """Use the pods of a real API server."""
    config.load_kube_config(config_file=kubeconfig)
    api = client.ApiClient()

    def request(method: str, path: str, body: bytes | None) -> bytes:
        answer = api.rest_client.pool_manager.request(
            method,
            api.configuration.host + path,
            body=body,
            headers={
                "Content-Type": "application/merge-patch+json",
                "Accept": "application/json",
                "Authorization": api.configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or "",
            },
        )
        assert answer.status < 300, answer.data[:300]
        return bytes(answer.data)

    yield Server([f"--kubeconfig={kubeconfig}"], request)


class Meter:
    """CPU seconds and memory of the worker of an exporter."""

    def __init__(self, exporter: Exporter) -> None:
        self._proc = Path(f"/proc/{exporter.worker()}")

    def cpu(self) -> float:
        """Return the CPU seconds used so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, what: str) -> float:
        """Return VmRSS or VmHWM in bytes."""
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith(what):
                return float(line.split()[1]) * 1024
        raise LookupError(what)


def pods_of(server: Server) -> list[dict[str, Any]]:
    """Return all pods as JSON objects."""
    items: list[dict[str, Any]] = []
    token = ""
    while True:
        page = json.loads(server.get(f"/api/v1/pods?limit=500&continue={token}"))
        items += page["items"]
        token = page["metadata"].get("continue") or ""
        if not token:
            return items


def calibrate(pods: list[dict[str, Any]]) -> tuple[float, float]:
    """Return the average CPU seconds of json.loads and the average size of a pod in bytes."""
    texts = [json.dumps(pod, separators=(",", ":")) for pod in pods[:2000]]
    began = time.process_time()
    for text in texts:
        json.loads(text)
    return (time.process_time() - began) / len(texts), sum(map(len, texts)) / len(texts)


def start(server: Server, *flags: str) -> tuple[float, float, float]:
    """Return CPU seconds, resident and peak bytes of an exporter that has just become ready."""
    with Exporter(*server.flags, *flags) as exporter:
        meter = Meter(exporter.ready())
        return meter.cpu(), meter.memory("VmRSS"), meter.memory("VmHWM")


def events(server: Server, exporter: Exporter, pods: list[dict[str, Any]]) -> float:
    """Return the CPU seconds of one MODIFIED event, including its share of the next scrape."""
    meter = Meter(exporter)
    chosen = pods[: min(CHANGES, len(pods))]
    version = 0
    scrape(exporter, "gzip")
    before = meter.cpu()
    for number, pod in enumerate(chosen):
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        statuses = [dict(status) for status in pod["status"]["containerStatuses"]]
        statuses[0] |= {"restartCount": statuses[0].get("restartCount", 0) + 1, "ready": False}
        change = {"status": {"containerStatuses": statuses, "message": f"change {number}"}}
        version = server.patch(f"/api/v1/namespaces/{namespace}/pods/{name}/status", change)
    eventually(lambda: _seen(exporter) >= version, "the last change did not arrive")
    exporter.scrape(**{"Accept-Encoding": "gzip"})
    return (meter.cpu() - before) / len(chosen)


def _seen(exporter: Exporter) -> float:
    lines = exporter.scrape_telemetry().splitlines()
    return max(float(line.split()[-1]) for line in lines if line.startswith("ksm_shard_resource_version{"))


def scrape(exporter: Exporter, encoding: str) -> tuple[float, int, int]:
    """Return the CPU seconds of one scrape, its size on the wire and its size as text."""
    meter = Meter(exporter)
    size = text = 0
    before = meter.cpu()
    for _ in range(SCRAPES):
        request = urllib.request.Request(exporter.url + "/metrics", headers={"Accept-Encoding": encoding})
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        size = len(body)
    used = (meter.cpu() - before) / SCRAPES
    text = len(gzip.decompress(body)) if encoding == "gzip" else size
    return used, size, text


def measure(server: Server) -> None:
    """Print the table."""
    pods = pods_of(server)
    count = len(pods)
    parse, size = calibrate(pods)
    scale = parse / REFERENCE_JSON
    print(
        f"{count} pods of {size:,.0f} bytes of JSON; json.loads of one: {parse * 1e6:.0f} us = {scale:.2f} of 260 us\n"
    )
    base_cpu, base_memory, _ = start(server, "--resources=pods", "--namespaces=no-such-namespace")
    only = ["--resources=pods"]
    foreign_cpu, _, _ = start(server, *only, "--shard=0", "--total-shards=1000")
    with Exporter(*server.flags, *only) as exporter:
        meter = Meter(exporter.ready())
        cold, peak, steady = meter.cpu(), meter.memory("VmHWM"), meter.memory("VmRSS")
        packed, packed_bytes, text_bytes = scrape(exporter, "gzip")
        plain, _, _ = scrape(exporter, "identity")
        event = events(server, exporter, pods)
        steady = max(steady, meter.memory("VmRSS"))
    rows = [
        ("cold start, CPU per pod", (cold - base_cpu) / count * 1e6, "us", 287, 120, True),
        ("one MODIFIED event, CPU", event * 1e6, "us", 450, 150, True),
        ("an object of another shard, CPU", (foreign_cpu - base_cpu) / count * 1e6, "us", 110, 35, True),
        (
            f"resident memory per pod, above {base_memory / 1e6:.0f} MB",
            (steady - base_memory) / count / 1e3,
            "kB",
            43,
            2.5,
            False,
        ),
        ("peak memory during start / steady", peak / steady, "", 0, 1.3, False),
        (f"gzip scrape, CPU ({packed_bytes / 1e6:.0f} MB out)", packed, "s", 6.0, 0.08, True),
        (f"plain scrape, CPU ({text_bytes / 1e6:.0f} MB out)", plain, "s", 1.35, 0.35, True),
    ]
    print(f"{'':46} {'here':>9} {'reference':>10} {'goal':>8} {'goal, scaled':>13}")
    for what, value, unit, reference, goal, scales in rows:
        scaled = f"{goal * scale:.3g}" if scales else ""
        print(f"{what:46} {value:9.3g} {unit:3}{reference or '':>6} {goal:>9} {scaled:>12}")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", help="measure against the pods of this cluster")
    parser.add_argument("--pods", type=int, default=20_000, help="number of pods to make up without a kubeconfig")
    options = parser.parse_args()
    with real(options.kubeconfig) if options.kubeconfig else simulated(options.pods) as server:
        measure(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
