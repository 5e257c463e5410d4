"""Measures objects of a Custom Resource State file, step by step and without a server: CPU time an object.

    python -m bench.custom            5,000 objects of 5.0 kB, 10 metrics, 35 samples each; the best of five runs

`python -m bench.beside` measures the same objects in whole processes, beside kube-state-metrics.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Final

from bench.databases import FILE, database
from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.served import served as discovered
from ksm_shard.collector.collector import Collector
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Followed, Served, resolve, resource_of
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.sharding.masks import ALL, NONE
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.simulator.discovery import document
from ksm_shard.simulator.resources import BUILT_IN, ServedResource
from ksm_shard.store.store import Store
from ksm_shard.wire.codec import Raw
from ksm_shard.wire.json import JsonCodec

OBJECTS: Final = 5000
PAGE: Final = 500
RUNS: Final = 5
# Events read at once, of the same object.
EVENTS: Final = 500
# Entries of a large file, which is to be compiled in less than 0.1 s.
ENTRIES: Final = 40
# Kinds in the cluster that no entry is about, which must cost nothing that can be measured.
STRANGERS: Final = 200


class Discovery:
    """An API server's discovery, with so many kinds that no file names."""

    def __init__(self, strangers: int) -> None:
        """Write both documents."""
        more = [ServedResource(f"g{at // 10}.example.org", "v1", f"kinds{at}", f"Kind{at}") for at in range(strangers)]
        self._bodies = {
            path: json.dumps(document(path, [*BUILT_IN, *more], aggregated=True)).encode() for path in ("/api", "/apis")
        }

    @contextmanager
    def get(self, path: str, *_: object) -> Iterator[SimpleNamespace]:
        """Answer with one of them."""
        yield SimpleNamespace(body=lambda: self._bodies[path])


def best(work: Callable[[], object], count: int) -> float:
    """Return microseconds of CPU for one of so many, the best of some runs."""
    least = float("inf")
    for _ in range(RUNS):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return least / count * 1e6


class Cases:
    """Objects of one kind, as pages, items and messages, and what is done with them."""

    def __init__(self, followed: Followed) -> None:
        """Make the objects."""
        self.resource = resource_of(followed)
        compiled = compile_resource(self.resource, self.resource.families, failed=_raised, duplicated=_repeated)
        self._parse, self._render = self.resource.shape.parse, compiled.render
        self._codec = JsonCodec()
        objects = [database(number) for number in range(OBJECTS)]
        self._pages = [
            json.dumps({"metadata": {}, "items": objects[at : at + PAGE]}, separators=(",", ":")).encode()
            for at in range(0, OBJECTS, PAGE)
        ]
        self._items = list(self._split())
        self._parsed = [self._parse(self._codec, item) for item in self._items]
        self._events = [b'{"type":"MODIFIED","object":%s}\n' % bytes(self._items[0])] * EVENTS

    def rows(self) -> dict[str, float]:
        """Return the microseconds of each step, by its name."""
        identity, parse, render = self._codec.identity, self._parse, self._render
        codec, items, parsed, split, happened = self._codec, self._items, self._parsed, self._split, self._happened
        return {
            "json.loads": best(lambda: [json.loads(bytes(item)) for item in items], OBJECTS),
            "page, split": best(lambda: list(split()), OBJECTS),
            "page, split and identified: of another shard": best(lambda: [identity(item) for item in split()], OBJECTS),
            "decoded": best(lambda: [parse(codec, item) for item in items], OBJECTS),
            "rendered": best(lambda: [render(one) for one in parsed], OBJECTS),
            "all of it: of ours": best(
                lambda: [(identity(item), render(parse(codec, item))) for item in split()], OBJECTS
            ),
            "listed: of another shard": best(lambda: self._stored(NONE), OBJECTS),
            "listed into the store, pages deflated: of ours": best(lambda: self._stored(ALL), OBJECTS),
            "event, of another shard": best(lambda: [identity(item) for item in happened()], EVENTS),
            "event, of ours": best(
                lambda: [(identity(item), render(parse(codec, item))) for item in happened()], EVENTS
            ),
        }

    def sizes(self) -> Iterator[str]:
        """Yield lines about the sizes of an object and of its text."""
        texts = self._render(self._parsed[0])
        samples, size = sum(text.count("\n") for text in texts), sum(map(len, texts))
        yield f"{len(bytes(self._items[0]))} bytes, {samples} samples, {size} bytes of text"
        yield f"{self._stored(ALL).size().deflated / OBJECTS:8.0f} bytes of deflated text an object"

    def _split(self) -> Iterator[Raw]:
        for page in self._pages:
            yield from self._codec.page(page).items

    def _happened(self) -> Iterator[Raw]:
        return (one.item for one in self._codec.events(self._events))

    def _stored(self, mask: bytes) -> Store:
        one = Collector(self.resource, self.resource.families, Ownership(MMH3, mask), time.monotonic)
        sink = one.sink()
        sink.start_list()
        for item in self._split():
            sink.put(self._codec, item)
        sink.end_list("1")
        one.store.bodies()
        return one.store


def of_file(metrics: int) -> Iterator[str]:
    """Yield lines about a file of many entries, each with so many metrics."""
    entry = FILE[FILE.index("  - group") :]
    many = FILE + "".join(entry.replace("Database", f"Database{at}") for at in range(1, ENTRIES))
    served = [Served("bench.example.org", "v1", f"Database{at or ''}", f"databases{at}") for at in range(ENTRIES)]

    def all_compiled() -> None:
        for one in resolve(read(many)[0], served):
            found = resource_of(one)
            compile_resource(found, found.families, failed=_raised, duplicated=_repeated)

    spent = best(all_compiled, 1) / 1000
    yield f"{spent:8.1f} ms  a file of {ENTRIES} entries, {ENTRIES * metrics} metrics, compiled"
    yield f"{best(lambda: read(many), 1) / 1000:8.1f} ms  of which reading it"


def of_discovery() -> Iterator[str]:
    """Yield lines about looks at discovery."""
    for count in (0, STRANGERS):
        found = best(partial(discovered, Discovery(count), frozenset(), Call()), 1)  # type: ignore[arg-type]
        yield f"{found / 1000:8.1f} ms  a look at discovery, once a minute, with {count} kinds that nobody names"


def main() -> int:
    """Print the table."""
    entries, problems = read(FILE)
    if problems:
        print(*problems, sep="\n")
        return 1
    (followed,) = resolve(entries, [Served("bench.example.org", "v1", "Database", "databases")])
    cases = Cases(followed)
    for line in cases.sizes():
        print(line)
    for name, figure in cases.rows().items():
        print(f"{figure:8.1f} us  {name}")
    for line in (*of_file(len(cases.resource.families)), *of_discovery()):
        print(line)
    return 0


def _raised(family: object, error: Exception) -> None:
    raise RuntimeError(str(family)) from error


def _repeated(count: int) -> None:
    raise RuntimeError(f"{count} series twice")


if __name__ == "__main__":
    sys.exit(main())
