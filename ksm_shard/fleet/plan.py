"""`ksm-shard plan`: what a change of the number of shards would move, and how many shards a size needs."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ksm_shard.fleet.check import megabytes
from ksm_shard.report import NoReport, Report, ask_all
from ksm_shard.settings.commands import Plan
from ksm_shard.sharding.ranges import SERVER_SIDE
from ksm_shard.sharding.ring import MMH3
from ksm_shard.sharding.slots import MAX_SHARDS, SLOTS, Ring

RINGS: Final = {ring.name: ring for ring in (MMH3, SERVER_SIDE)}
# Measured (docs/decisions.md), for pods, which are what there is most of and what has most series.
BASE: Final = 80e6  # bytes of a process that holds nothing
BYTES_EACH: Final = 2500.0  # of memory an object
OWN: Final = 150e-6  # CPU seconds to load an object
FOREIGN: Final = 35e-6  # CPU seconds to pass over one of another shard
# What a shard should stay under: a start that fits between two scrapes, and a small container.
LONGEST_START: Final = 30.0
MOST_MEMORY: Final = 256e6


@dataclass(frozen=True, slots=True)
class Size:
    """What all shards together hold."""

    objects: int
    series: int
    deflated: int

    @classmethod
    def of(cls, reports: Sequence[Report]) -> "Size":
        """Add up what running shards say."""
        resources = [one for report in reports for one in report.resources.values()]
        return cls(
            sum(one.owned for one in resources),
            sum(one.series for one in resources),
            sum(one.deflated for one in resources),
        )


def main(options: Plan) -> int:
    """Print the plan; return 0, or 1 when a shard that was named does not answer."""
    answers = ask_all(options.urls)
    for answer in answers:
        if isinstance(answer, NoReport):
            sys.stderr.write(f"ksm-shard: {answer}\n")
            return 1
    reports = [answer for answer in answers if isinstance(answer, Report)]
    size = Size.of(reports) if reports else None
    ring = RINGS[reports[0].ring] if reports else MMH3
    if options.from_shards:
        print(movement(ring, options.from_shards, options.to_shards, size))
    if options.objects:
        print(advice(options.objects))
    return 0


def movement(ring: Ring, before: int, after: int, size: Size | None) -> str:
    """Return what each shard keeps, gains and loses, and what moves altogether."""
    old, new = ring.target_map(before), ring.target_map(after)
    keeps, gains, loses = ([0] * max(before, after) for _ in range(3))
    for source, target in zip(old, new, strict=True):
        if source == target:
            keeps[source] += 1
        else:
            loses[source] += 1
            gains[target] += 1
    moved = sum(gains)
    lines = [f"{before} -> {after} shards: {moved} of {SLOTS} slots move, {moved / SLOTS:.1%}" + _amount(moved, size)]
    for shard in range(max(before, after)):
        now = keeps[shard] + gains[shard]
        fate = "new" if shard >= before else "ends" if shard >= after else f"{now / SLOTS:.2%} of all"
        lines.append(
            f"  shard {shard}: +{gains[shard]} -{loses[shard]} slots, then {now} ({fate})" + _amount(now, size)
        )
    return "\n".join(lines)


def advice(objects: int) -> str:
    """Return how many shards so many objects need, and what each has to do then."""
    for shards in range(1, MAX_SHARDS + 1):
        start, memory = start_of(objects, shards), memory_of(objects, shards)
        if start <= LONGEST_START and memory <= MOST_MEMORY:
            break
    else:
        start, memory, shards = start_of(objects, MAX_SHARDS), memory_of(objects, MAX_SHARDS), MAX_SHARDS
    text = (
        f"{objects} objects: {shards} shards, each with {math.ceil(objects / shards)} objects, "
        f"{megabytes(memory)} of memory and {start:.0f} s of CPU to start"
    )
    floor = objects * FOREIGN
    if floor > LONGEST_START / 2:
        text += (
            f"\n  {floor:.0f} s of the start are passing over other shards' objects, which more shards do not help; "
            "--sharding-mode server-side does"
        )
    return text


def start_of(objects: int, shards: int) -> float:
    """Return the CPU seconds until a shard is ready."""
    return objects / shards * OWN + objects * (1 - 1 / shards) * FOREIGN


def memory_of(objects: int, shards: int) -> float:
    """Return the bytes of memory of a shard."""
    return BASE + objects / shards * BYTES_EACH


def _amount(slots: int, size: Size | None) -> str:
    if size is None:
        return ""
    share = slots / SLOTS
    return (
        f", about {size.objects * share:.0f} objects, {size.series * share:.0f} series, "
        f"{megabytes(size.objects * share * BYTES_EACH)} of memory"
    )
