"""Measures the cost of timestamps on departing objects: `python -m bench.stamps [--pods 20000]`.

CPU is the least of several rounds of assembling an answer, without the socket. `!` marks a gzip scrape with timestamps that costs
more than a plain-text scrape without; the exit code is then 1. Memory is the peak of a scrape, besides the memory of the store.
"""

import argparse
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import process_time, time
from typing import Final

from ksm_shard.kinds import resources
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.sharding.masks import ALL
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.simulator.synthetic import cluster
from ksm_shard.store.pages import Body, gzip_pieces, text_pieces
from ksm_shard.store.stamps import Stamp
from ksm_shard.store.store import Store
from ksm_shard.wire.convert import fill
from ksm_shard.wire.messages.core_v1_pb2 import Pod

ROUNDS: Final = 5
# The slots that depart: none, those that the third shard of three gets, and all, as for a pod that is told to stop.
SHARES: Final = {"nothing": None, "a third": MMH3.mask(2, 3), "all": ALL}
FORMS: Final[dict[str, Callable[[Sequence[Body]], Iterator[bytes]]]] = {"text": text_pieces, "gzip": gzip_pieces}


def filled(pods: int) -> Store:
    """Return a store with made-up pods."""
    resource = resources()["pods"]
    families = [family for family in resource.families if not family.opt_in]
    compiled = compile_resource(resource, families, failed=_ignored, duplicated=_ignored)
    store = Store(len(compiled.live))
    for item in cluster(pods, 100, seed=1):
        if item.get("kind") == "Pod":
            message = Pod()
            fill(message, item)
            meta = message.metadata
            store.put(f"{meta.namespace}/{meta.name}", MMH3.slot_of(meta.uid), compiled.render(message))
    store.bodies()
    return store


def _ignored(*_: object) -> None:
    """Ignore errors: made-up pods cause none."""


def begin(store: Store, leaving: bytes | None) -> None:
    """Let slots begin to leave, and make the store ready for it."""
    store.leave(leaving)
    store.make_ready()


def answer(store: Store, form: str) -> int:
    """Assemble an answer as a scrape does; return its size in bytes."""
    return sum(len(piece) for piece in FORMS[form](store.bodies(Stamp(time(), openmetrics=False))))


def spent(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    began = process_time()
    call()
    return process_time() - began


def most(call: Callable[[], object]) -> int:
    """Return the peak memory of a call in bytes."""
    tracemalloc.start()
    call()
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size


def main() -> int:
    """Print the table; return 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=20_000, help="number of pods to make up")
    store = filled(parser.parse_args().pods)
    plain, failed = 0.0, False
    print(f"{len(store)} pods\n{'leaving':10} {'form':6} {'CPU':>9} {'bytes':>10} {'memory':>9} {'made ready in':>14}")
    for share, mask in SHARES.items():
        ready = spent(partial(begin, store, mask))
        for form in FORMS:
            size = answer(store, form)
            cost = min(spent(partial(answer, store, form)) for _ in range(ROUNDS))
            memory = most(partial(answer, store, form))
            plain = plain or cost
            bad = mask is not None and form == "gzip" and cost > plain
            failed |= bad
            print(
                f"{share:10} {form:6} {cost:7.4f} s{'!' if bad else ' '}{size / 1e6:7.1f} MB {memory / 1e6:6.1f} MB "
                f"{ready:12.3f} s"
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
