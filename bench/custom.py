"""What objects of a Custom Resource State file cost, step by step and without a server: CPU time an object.

    python -m bench.custom            5,000 objects of 4.5 kB, 10 metrics, 35 samples each; the best of five runs

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
from ksm_shard.custom.resolve import Served, resolve, resource_of
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.sharding.masks import ALL, NONE
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.simulator.discovery import document
from ksm_shard.simulator.resources import BUILT_IN, ServedResource
from ksm_shard.store.store import Store
from ksm_shard.wire.json import JsonCodec

OBJECTS: Final = 5000
PAGE: Final = 500
RUNS: Final = 5
# What a file of many entries has: issue 11 asks for less than 0.1 s.
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


def main() -> int:
    """Print the table."""
    entries, problems = read(FILE)
    if problems:
        print(*problems, sep="\n")
        return 1
    (followed,) = resolve(entries, [Served("bench.example.org", "v1", "Database", "databases")])
    resource = resource_of(followed)
    compiled = compile_resource(resource, resource.families, failed=_raised, duplicated=_repeated)
    codec, parse, render = JsonCodec(), resource.shape.parse, compiled.render
    objects = [database(number) for number in range(OBJECTS)]
    pages = [
        json.dumps({"metadata": {}, "items": objects[at : at + PAGE]}, separators=(",", ":")).encode()
        for at in range(0, OBJECTS, PAGE)
    ]
    items = [item for page in pages for item in codec.page(page).items]
    parsed = [parse(codec, item) for item in items]
    texts = render(parsed[0])
    event = b'{"type":"MODIFIED","object":%s}\n' % bytes(items[0])
    entry = FILE[FILE.index("  - group") :]
    many = FILE + "".join(entry.replace("Database", f"Database{at}") for at in range(1, ENTRIES))
    served = [Served("bench.example.org", "v1", f"Database{at or ''}", f"databases{at}") for at in range(ENTRIES)]

    def all_compiled() -> None:
        for one in resolve(read(many)[0], served):
            found = resource_of(one)
            compile_resource(found, found.families, failed=_raised, duplicated=_repeated)

    def stored(mask: bytes) -> Store:
        one = Collector(resource, resource.families, Ownership(MMH3, mask), time.monotonic)
        sink = one.sink()
        sink.start_list()
        for page in pages:
            for item in codec.page(page).items:
                sink.put(codec, item)
        sink.end_list("1")
        one.store.bodies()
        return one.store

    rows = {
        "json.loads": best(lambda: [json.loads(bytes(item)) for item in items], OBJECTS),
        "page, split": best(lambda: [codec.page(page) for page in pages], OBJECTS),
        "page, split and identified: of another shard": best(
            lambda: [codec.identity(item) for page in pages for item in codec.page(page).items], OBJECTS
        ),
        "decoded": best(lambda: [parse(codec, item) for item in items], OBJECTS),
        "rendered": best(lambda: [render(one) for one in parsed], OBJECTS),
        "all of it: of ours": best(
            lambda: [
                (codec.identity(item), render(parse(codec, item))) for page in pages for item in codec.page(page).items
            ],
            OBJECTS,
        ),
        "listed: of another shard": best(lambda: stored(NONE), OBJECTS),
        "listed into the store, pages deflated: of ours": best(lambda: stored(ALL), OBJECTS),
        "event, of another shard": best(lambda: [codec.identity(one.item) for one in codec.events([event] * 500)], 500),
        "event, of ours": best(
            lambda: [(codec.identity(one.item), render(parse(codec, one.item))) for one in codec.events([event] * 500)],
            500,
        ),
    }
    print(
        f"{len(bytes(items[0]))} bytes, {sum(text.count(chr(10)) for text in texts)} samples, {sum(map(len, texts))} bytes of text"
    )
    print(f"{stored(ALL).size().deflated / OBJECTS:8.0f} bytes of deflated text an object")
    for name, figure in rows.items():
        print(f"{figure:8.1f} us  {name}")
    print(
        f"{best(all_compiled, 1) / 1000:8.1f} ms  a file of {ENTRIES} entries, {ENTRIES * len(resource.families)} metrics, compiled"
    )
    print(f"{best(lambda: read(many), 1) / 1000:8.1f} ms  of which reading it")
    for count in (0, STRANGERS):
        found = best(partial(discovered, Discovery(count), frozenset(), Call()), 1)  # type: ignore[arg-type]
        print(f"{found / 1000:8.1f} ms  a look at discovery, once a minute, with {count} kinds that nobody names")
    return 0


def _raised(family: object, error: Exception) -> None:
    raise RuntimeError(str(family)) from error


def _repeated(count: int) -> None:
    raise RuntimeError(f"{count} series twice")


if __name__ == "__main__":
    sys.exit(main())
