"""What the reference made of the conformance objects, and servers that hold those objects."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("KSM_SHARD_SHARED", ROOT.parent / "shared"))
CONFORMANCE = SHARED / "conformance"
CASES = ("random", "tables")


def files_of(case: str) -> list[Path]:
    """Return the files with the objects of a case."""
    return sorted((CONFORMANCE / "cases" / case / "objects").glob("*.jsonl"))


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
    """Serve the objects of a case by `ksm-shard simulate`, as a user would; yield the flags that lead to it."""
    command = [sys.executable, "-m", "ksm_shard", "simulate", f"--objects={CONFORMANCE}/cases/{case}/objects"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield [f"--apiserver={process.stdout.readline().split()[1]}"]
        finally:
            process.terminate()


@contextmanager
def real(case: str, folder: Path, *more: str) -> Iterator[list[str]]:
    """Serve the objects of a case from a real API server, started with more flags; yield the flags that lead to it."""
    binary = os.environ.get("KSM_SHARD_REALAPI")
    if not binary:
        pytest.skip("KSM_SHARD_REALAPI does not name a built realapi")
    port = str(free_ports())
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


def free_ports() -> int:
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
