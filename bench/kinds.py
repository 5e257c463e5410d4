"""Measures parsing and rendering of an object of each kind: `python -m bench.kinds [PLURAL ...]`.

The objects are those of the goldens, with all labels, annotations and opt-in families. The same few objects are rendered again and
again, so caches are warm, as they are for most kinds in a cluster. `cold` is rendering with every cache emptied before each object.
No cluster is as bad, but cron jobs come near: each change of a cron job moves the time from which the next run is searched.

The goal is at most 30 us an object plus 3 us a line, cold too; `!` marks an object that costs more, and the exit code is then 1.
CPU is the least of several rounds, which excludes other work of the machine.
"""

import gc
import sys
from collections.abc import Callable
from functools import _lru_cache_wrapper
from time import process_time
from typing import Any, NamedTuple

from ksm_shard.kinds import resources
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Family, Resource
from tests.kinds.rendering import objects

FIXED = 30.0
LINE = 3.0
ROUNDS = 9
# Cold renderings of each object. A single call is too short for the clock, so the least of many is taken.
COLD = 200
# Seconds of one round: a thousand times the resolution of the clock.
ROUND = 0.01


class Cost(NamedTuple):
    """Averages over the objects of one kind; times in microseconds, sizes in bytes."""

    parse: float
    render: float
    cold: float
    wire: float
    text: float
    lines: float

    @property
    def goal(self) -> float:
        """The allowed microseconds for an object of that many lines."""
        return FIXED + LINE * self.lines

    @property
    def reached(self) -> bool:
        """True if the cost is within the goal."""
        return self.parse + max(self.render, self.cold) <= self.goal


def measure(resource: Resource) -> Cost:
    """Measure parsing and rendering of the objects of a kind."""
    render = compile_resource(
        resource,
        resource.families,
        failed=_failed,
        duplicated=lambda _: None,
        labels_allowlist=("*",),
        annotations_allowlist=("*",),
    ).render
    messages = objects(resource)
    packed = [message.SerializeToString() for message in messages]
    text = "".join("".join(render(message)) for message in messages)
    return Cost(
        parse=_time(type(messages[0]).FromString, packed),
        render=_time(render, messages),
        cold=_time_cold(render, messages),
        wire=sum(map(len, packed)) / len(packed),
        text=len(text.encode()) / len(messages),
        lines=text.count("\n") / len(messages),
    )


def _failed(family: Family, error: Exception) -> None:
    raise AssertionError(f"{family.name}: {error}") from error


def _time(call: Callable[[Any], object], arguments: list[Any]) -> float:
    """Return the CPU microseconds of one call, with warm caches."""
    times = 1
    while (spent := _spent(call, arguments, times)) < ROUND:
        times *= 2
    best = min(spent, *(_spent(call, arguments, times) for _ in range(ROUNDS)))
    return best / times / len(arguments) * 1e6


def _spent(call: Callable[[Any], object], arguments: list[Any], times: int) -> float:
    began = process_time()
    for _ in range(times):
        for argument in arguments:
            call(argument)
    return process_time() - began


def _time_cold(call: Callable[[Any], object], arguments: list[Any]) -> float:
    """Return the CPU microseconds of one call, with all caches empty."""
    caches = [cache for cache in gc.get_objects() if isinstance(cache, _lru_cache_wrapper)]
    return (
        sum(min(_spent_cold(call, argument, caches) for _ in range(COLD)) for argument in arguments)
        / len(arguments)
        * 1e6
    )


def _spent_cold(call: Callable[[Any], object], argument: Any, caches: list[Any]) -> float:
    for cache in caches:
        cache.cache_clear()
    return _spent(call, [argument], 1)


def main(plurals: list[str]) -> int:
    """Print a row for each given kind, or for all kinds."""
    known = resources()
    if unknown := [plural for plural in plurals if plural not in known]:
        print(f"no such kind: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    print(
        f"{'an object':33} {'us: parse':>9} {'render':>7} {'cold':>6} {'goal':>5}  {'bytes: wire':>11} {'text':>5}"
        f"  {'lines':>5}  {'a line: us':>10} {'bytes':>5}"
    )
    reached = True
    for plural in plurals or known:
        cost = measure(known[plural])
        both = cost.parse + cost.render
        row = (
            f"{plural:33} {cost.parse:9.1f} {cost.render:7.1f} {cost.cold:6.1f} {cost.goal:5.0f}"
            f"  {cost.wire:11.0f} {cost.text:5.0f}  {cost.lines:5.0f}  {both / cost.lines:10.2f} {cost.text / cost.lines:5.0f}"
        )
        print(row if cost.reached else row + " !")
        reached = reached and cost.reached
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
