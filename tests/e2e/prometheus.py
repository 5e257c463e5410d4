"""A real Prometheus with the jobs of deploy/, told of the pods by a file, and rules that it evaluates four times a second."""

import json
import shutil
import signal
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.processes import eventually

PROMETHEUS = shutil.which("prometheus")
MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
EVALUATION = 0.25
# Seconds until it scrapes a pod that it was told of, at the most, besides an interval: it takes discovered pods over every five
# seconds, and scrapes what it took over from the next five seconds on.
DISCOVERY = 10.0
# Recorded with each evaluation, so that one that came to nothing is told from one that was late.
TICK = "test:tick"


class Prometheus:
    """A server with the jobs of deploy/monitoring/scrape-config.yaml, which a file tells what Kubernetes would: the pods.

    Only where the pods come from and how often they are scraped is another.

    Attributes:
        url: of its API, without a path.
        interval: seconds between two scrapes.
    """

    def __init__(self, folder: Path, interval: float, records: Mapping[str, str], alerts: Mapping[str, str]) -> None:
        """Scrape every so many seconds; record expressions by name, and have alerts for others after four seconds."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.interval = interval
        self._pods = folder / "pods.json"
        rules = [{"record": TICK, "expr": "vector(1)"}]
        rules += [{"alert": name, "expr": query, "for": "4s"} for name, query in alerts.items()]
        rules += [{"record": name, "expr": query} for name, query in records.items()]
        group = {"name": "test", "interval": f"{EVALUATION * 1000:.0f}ms", "rules": rules}
        (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [group]}))
        config = yaml.safe_load((MONITORING / "scrape-config.yaml").read_text())
        for job in config["scrape_configs"]:
            del job["kubernetes_sd_configs"]
            seconds = f"{interval:g}s"
            job |= {
                "file_sd_configs": [{"files": [str(self._pods)]}],
                "scrape_interval": seconds,
                "scrape_timeout": seconds,
            }
        config["rule_files"] = [str(folder / "rules.yaml")]
        self._file = folder / "prometheus.yaml"
        self._file.write_text(yaml.safe_dump(config))
        self.target([])
        command = [
            str(PROMETHEUS), f"--config.file={self._file}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ]  # fmt: skip
        self.process = subprocess.Popen(command)
        eventually(self._answers, "prometheus does not answer")

    def reconfigure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the configuration and have it read again."""
        config = yaml.safe_load(self._file.read_text())
        change(config)
        self._file.write_text(yaml.safe_dump(config))
        reloaded = "prometheus_config_last_reload_success_timestamp_seconds"
        before = self.counted(reloaded)
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.counted(reloaded) > before, "prometheus does not read its configuration again")

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

    @contextmanager
    def discovering(self, pods: Callable[[], list[tuple[str, str, str]]]) -> Iterator[None]:
        """Look at the pods five times a second."""
        done = threading.Event()

        def discover() -> None:
            while not done.wait(0.2):
                self.target(pods())

        finder = threading.Thread(target=discover, daemon=True)
        finder.start()
        try:
            yield
        finally:
            done.set()
            finder.join()

    def ask(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the result of a query."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return list(json.loads(answer.read())["data"]["result"])

    def value(self, query: str) -> float:
        """Return the one number that a query comes to, 0 for none."""
        result = self.ask("query", query=query)
        return float(result[0]["value"][1]) if result else 0

    def recorded(self, name: str, began: float, ended: float) -> dict[float, float]:
        """Return what was recorded under a name in that time: time -> value, without those times when there was nothing."""
        found = self.ask("query", query=f"{name}[{(ended - began) * 1000:.0f}ms]", time=f"{ended:.3f}")
        return {float(at): float(number) for one in found for at, number in one["values"]}

    def seen(self, query: str, label: str, began: float, ended: float) -> dict[str, list[float]]:
        """Return when a query had a series, by one of its labels, looking four times a second."""
        times: dict[str, list[float]] = {}
        for one in self.ask("query_range", query=query, start=f"{began:.3f}", end=f"{ended:.3f}", step=str(EVALUATION)):
            times.setdefault(one["metric"][label], []).extend(float(at) for at, _ in one["values"])
        return times

    def values(self, label: str, match: str) -> list[str]:
        """Return the values that a label has among some series."""
        query = urllib.parse.urlencode({"match[]": match})
        with urllib.request.urlopen(f"{self.url}/api/v1/label/{label}/values?{query}", timeout=20) as answer:
            return list(json.loads(answer.read())["data"])

    def counted(self, name: str) -> float:
        """Return the sum of a counter of the server itself."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def _answers(self) -> bool:
        try:
            self.ask("query", query="1")
        except (OSError, ValueError, TypeError):
            return False
        return True


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
