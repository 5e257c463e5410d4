"""What the reference made of the conformance objects, and servers that hold those objects."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.processes import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("KSM_SHARD_SHARED", ROOT.parent / "shared"))
CONFORMANCE = SHARED / "conformance"
CASES = ("random", "tables")


def files_of(case: str) -> list[Path]:
    """Return the files with the objects of a case."""
    return sorted((CONFORMANCE / "cases" / case / "objects").glob("*.jsonl"))


def objects_of(case: str) -> list[dict[str, Any]]:
    """Return the objects of a case."""
    return [json.loads(line) for file in files_of(case) for line in file.read_text().splitlines()]


def runs() -> dict[str, list[str]]:
    """Return the flags of every run that the reference made."""
    if not CONFORMANCE.is_dir():
        return {}
    catalogue = (CONFORMANCE / "catalogue.jsonl").read_text().splitlines()
    resources = sorted({json.loads(line)["resource"] for line in catalogue})
    given: dict[str, list[str]] = json.loads((CONFORMANCE / "runs.json").read_text())
    return {name: [flag.replace("=ALL", "=" + ",".join(resources)) for flag in flags] for name, flags in given.items()}


def expected_of(case: str, run: str) -> str:
    """Return what the reference exposed of a case with the flags of a run."""
    return (CONFORMANCE / "cases" / case / "expected" / f"{run}.prom").read_text()


def compare(expected: Path, *scrapes: Path) -> None:
    """Hold scrapes together against what is expected; fail with the first differences."""
    command = [str(CONFORMANCE / "compare"), *map(str, (expected, *scrapes))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@contextmanager
def simulated(case: str) -> Iterator[list[str]]:
    """Serve the objects of a case from the simulator; yield the flags that lead to it."""
    simulator = Simulator(objects_of(case))
    url = simulator.start()
    try:
        yield [f"--apiserver={url}"]
    finally:
        simulator.stop()


@contextmanager
def real(case: str, folder: Path, *more: str) -> Iterator[list[str]]:
    """Serve the objects of a case from a real API server, started with more flags; yield the flags that lead to it."""
    binary = os.environ.get("KSM_SHARD_REALAPI")
    if not binary:
        pytest.skip("KSM_SHARD_REALAPI does not name a built realapi")
    port = str(_free_ports())
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [binary, "serve", "--dir", str(folder), "--port", port, *more], stdout=log, stderr=log
        )
    try:
        eventually((folder / "ready").exists, "the API server is not ready", (folder / "log").read_text, 3 * PATIENCE)
        for file in files_of(case):
            subprocess.run([binary, "put", "--port", port], input=file.read_bytes(), check=True, capture_output=True)
        yield [f"--kubeconfig={folder / 'kubeconfig'}"]
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def _free_ports() -> int:
    """Return a port that is free with the two after it, where etcd listens."""
    for port in range(24000, 32000, 3):
        taken = []
        try:
            for number in range(port, port + 3):
                taken.append(socket.create_server(("127.0.0.1", number)))  # noqa: PERF401  closed if a later one fails
        except OSError:
            continue
        else:
            return port
        finally:
            for one in taken:
                one.close()
    raise AssertionError("no three free ports in a row")
