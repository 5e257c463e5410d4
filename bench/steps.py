"""Measures the steps of a cold start without a server: CPU microseconds a pod.

`python -m bench.steps [PODS]` takes 10,000 made-up pods by default, in protobuf, and the best of five runs with empty caches.
"""

import gc
import sys
from collections.abc import Callable, Iterable
from functools import _lru_cache_wrapper
from time import process_time
from typing import Any, Final

from ksm_shard.kinds import resources
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Family
from ksm_shard.simulator.protobuf import encode, message_name
from ksm_shard.simulator.synthetic import cluster
from ksm_shard.store.store import Store
from ksm_shard.wire.codec import ProtobufCodec

RUNS: Final = 5
PAGE: Final = 500
NODES: Final = 200


class Clock:
    """CPU seconds by step."""

    def __init__(self) -> None:
        """Start with no step."""
        self.spent: dict[str, float] = {}

    def each(self, step: str, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Call a function with each item."""
        began = process_time()
        results = [call(item) for item in items]
        self.spent[step] = self.spent.get(step, 0) + process_time() - began
        return results


def start(items: list[bytes]) -> dict[str, float]:
    """Take the pods in pages, as from a list, and return the seconds of each step."""
    pods, codec, clock = resources()["pods"], ProtobufCodec(), Clock()
    families = [family for family in pods.families if not family.opt_in]
    compiled = compile_resource(pods, families, failed=_failed, duplicated=lambda _: None)
    store = Store(len(compiled.live))
    for cache in [one for one in gc.get_objects() if isinstance(one, _lru_cache_wrapper)]:
        cache.cache_clear()
    for at in range(0, len(items), PAGE):
        page = items[at : at + PAGE]
        clock.each("identity", codec.identity, page)
        parsed = clock.each("parse", lambda item: pods.shape.parse(codec, item), page)
        keys = clock.each("key", pods.shape.key, parsed)
        texts = clock.each("render", lambda one: compiled.render(*one), zip(parsed, page, strict=True))
        clock.each("put", lambda put: store.put(put[0], 0, put[1], listed=True), zip(keys, texts, strict=True))
    clock.each("scrape", lambda _: store.bodies(), [None])
    return clock.spent


def _failed(family: Family, error: Exception) -> None:
    raise AssertionError(family.name) from error


def main(arguments: list[str]) -> None:
    """Print the least of each step."""
    count = int(arguments[0]) if arguments else 10_000
    name = message_name("", "v1", "Pod") or ""
    items = [encode(name, made) for made in cluster(count, NODES, 1) if made["kind"] == "Pod"]
    runs = [start(items) for _ in range(RUNS)]
    best = {step: min(run[step] for run in runs) / count * 1e6 for step in runs[0]}
    print("  ".join(f"{step} {spent:.1f}" for step, spent in best.items()), f" sum {sum(best.values()):.1f} us a pod")


if __name__ == "__main__":
    main(sys.argv[1:])
