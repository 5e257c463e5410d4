"""`ksm-shard simulate`: serve a made-up cluster, or objects from files, until stopped."""

# ruff: noqa: D102  the options are documented where they are declared

import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from ksm_shard.files import reason
from ksm_shard.simulator import goyaml
from ksm_shard.simulator.churn import Churn
from ksm_shard.simulator.resources import USERS
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.simulator.synthetic import cluster

USAGE: Final = 2


class Simulation(Protocol):
    """The options of the command, as `ksm-shard simulate --help` describes them."""

    @property
    def objects(self) -> str: ...
    @property
    def pods(self) -> int: ...
    @property
    def nodes(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def churn(self) -> float: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


def main(options: Simulation) -> int:
    """Print `ready URL` when serving; return the exit status.

    The status is 0 when stopped, 2 for an invalid file or an occupied port.
    """
    try:
        simulator = Simulator(seed=options.seed, serve=[USERS])
        for place, found in read(Path(options.objects)) if options.objects else ():
            _put(simulator, place, found)
        for made in cluster(options.pods, options.nodes, options.seed):
            simulator.put(made)
        url = simulator.start(options.port, options.host)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"ksm-shard: {reason(error)}\n")
        return USAGE
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    churn = Churn(simulator, options.seed)
    changing = threading.Thread(target=churn.run, args=(options.churn,), daemon=True)
    if options.churn:
        changing.start()
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()
    stopped.wait()
    churn.stop()
    simulator.stop()
    return 0


def read(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a directory's files, each with its place.

    Files are *.jsonl, *.json and *.yaml; lists are split into items.

    Raises:
        OSError: the directory or a file cannot be read.
        ValueError: a value in a file is not an object; the text names the file and, where there are lines, the line.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in {".jsonl", ".json", ".yaml", ".yml"})
    if not files:
        raise ValueError(f"--objects={folder}: expected files *.jsonl, *.json or *.yaml in there")
    for path in files:
        for place, value in _values(path):
            if not isinstance(value, dict) or not value.get("kind") or not value.get("apiVersion"):
                raise ValueError(f"{place}: expected an object with apiVersion and kind, got {str(value)[:60]!r}")
            for item in _items(place, value):
                yield place, item


def _items(place: str, value: dict[str, Any]) -> list[Any]:
    """Return the items of a list, else the object itself.

    Items of a PodList lack kind and apiVersion: they are Pods, of the list's apiVersion.
    """
    kind, items = value["kind"], value.get("items")
    named = isinstance(value.get("metadata"), dict) and "name" in value["metadata"]
    if not kind.endswith("List") or (items is None and named):  # a custom kind may be called IPAllowList
        return [value]
    if not isinstance(items, list):
        raise ValueError(f"{place}: expected a list of items in a {kind}")  # noqa: TRY004  the file's fault
    if kind == "List":
        return items
    meant = {"apiVersion": value["apiVersion"], "kind": kind.removesuffix("List")}
    return [{**meant, **item} if isinstance(item, dict) else item for item in items]


def _put(simulator: Simulator, place: str, found: dict[str, Any]) -> None:
    try:
        simulator.put(found, keep_version=True)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield f"{path}:{number}", _json(f"{path}:{number}", line)
    elif path.suffix == ".json":
        yield str(path), _json(str(path), text)
    else:
        try:
            for document in goyaml.documents(text):
                yield str(path), document
        except yaml.YAMLError as error:
            raise ValueError(f"{path}: {' '.join(str(error).split())}") from None


def _json(place: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{place}: no JSON: {error}") from None
