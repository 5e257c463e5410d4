"""`ksm-shard plan`: the cost of a change of shards, and the shards needed."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ksm_shard.fleet.access import access_of
from ksm_shard.fleet.client import NoReport, ask_all
from ksm_shard.fleet.strays import strays
from ksm_shard.settings.commands import Plan
from ksm_shard.sharding.masks import SLOTS
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ranges import SERVER_SIDE
from ksm_shard.sharding.ring import MAX_SHARDS, Ring
from ksm_shard.sharding.rings import RINGS
from ksm_shard.status.report import Report
from ksm_shard.web.limits import CLIENTS, CLIENTS_TLS
from ksm_shard.web.page import size as bytes_text

# Measured (docs/decisions.md) for pods, the most numerous objects and those with the most series.
BASE: Final = 80e6  # bytes of a process without objects
BYTES_EACH: Final = 2500.0  # of memory an object, its pages included
BESIDES: Final = 1100.0  # of those, the bytes outside of pages: 20,000 pods are 44 MB, and 22 MB of pages
OWN: Final = 125e-6  # CPU seconds to load an object
FOREIGN: Final = 25e-6  # CPU seconds to skip an object of another shard
LOADING: Final = 1.3  # peak memory of a start, relative to the memory afterwards
# Limits of a shard: a start that fits between two scrapes, and the memory that deploy/statefulset requests.
LONGEST_START: Final = 30.0
MOST_MEMORY: Final = 256e6


@dataclass(frozen=True, slots=True)
class FleetSize:
    """Totals of all shards."""

    objects: int
    series: int
    deflated: int

    @classmethod
    def of(cls, reports: Sequence[Report]) -> "FleetSize":
        """Add up the reports of running shards."""
        resources = [one for report in reports for one in report.resources.values()]
        return cls(
            sum(one.owned for one in resources),
            sum(one.series for one in resources),
            sum(one.deflated for one in resources),
        )


def main(options: Plan) -> int:
    """Print the plan; return 1 if the shards are not the named fleet, else 0.

    Raises:
        UsageError: the file of --http.config.file cannot be used.
    """
    answers = ask_all(options.urls, access_of(options.http_config_file))
    reports = [answer for answer in answers if isinstance(answer, Report)]
    wrong = [str(answer) for answer in answers if isinstance(answer, NoReport)] or strays(reports, options.from_shards)
    for line in wrong:
        sys.stderr.write(f"ksm-shard: {line}\n")
    if wrong:
        return 1
    ring = RINGS[reports[0].ring if reports else options.sharding_mode]
    if options.from_shards:
        print(movement(ring, options.from_shards, options.to_shards, FleetSize.of(reports) if reports else None))
    if options.objects:
        tls = options.tls or any(url.startswith("https://") for url in options.urls)
        print(advice(options.objects, ring, tls=tls))
    return 0


def movement(ring: Ring, before: int, after: int, size: FleetSize | None) -> str:
    """Return the slots that each shard keeps, gains and loses, as text.

    The first line has the slots that move altogether.
    """
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
            f"  shard {shard}: +{gains[shard]} -{loses[shard]} slots, then {now} ({fate})" + _amount(now, size, BASE)
        )
    return "\n".join(lines)


def advice(objects: int, ring: Ring = MMH3, *, tls: bool = False) -> str:
    """Return the number of shards that so many objects need, as text.

    The text includes the reasons and the load of each shard. `tls` tells whether shards speak TLS.
    """
    foreign = 0.0 if ring is SERVER_SIDE else FOREIGN
    by_memory = max(1, math.ceil(objects * BYTES_EACH / (MOST_MEMORY - BASE)))
    by_cpu = max(1, math.ceil(objects * OWN / LONGEST_START))
    shards = min(max(by_memory, by_cpu), MAX_SHARDS)
    each = math.ceil(objects / shards)
    passing = (objects - each) * foreign
    start = each * OWN + passing
    text = (
        f"{objects} objects, {ring.name}: {shards} shard{'s' * (shards > 1)}, each with {each} objects, "
        f"{bytes_text(round(memory_of(each)))} of memory and {_seconds(start)} of CPU to start"
        f"\n  memory: {by_memory} of at most {bytes_text(round(MOST_MEMORY))}, "
        f"of which {bytes_text(round(BASE))} is the process, and {bytes_text(round(BYTES_EACH))} an object"
        f"\n  CPU: {by_cpu} to load what they own within {LONGEST_START:.0f} s, at {OWN * 1e6:.0f} us an object"
    )
    if passing:
        text += f"\n  {_seconds(passing)} of a start are passing over the others' objects, at {foreign * 1e6:.0f} us"
        # More shards would only wait: 391 shards of 850,000 objects, where memory needs 13, would each take 30 s to load
        # 0.3 s worth.
        if start > LONGEST_START:
            text += ", which more shards do not help; --sharding-mode server-side does not have to"
    if by_memory > MAX_SHARDS:
        text += f"\n  there are {MAX_SHARDS} shards at most, which need more memory each"
    clients = CLIENTS + CLIENTS_TLS if tls else CLIENTS
    most = LOADING * memory_of(each * shards / (shards - 1) if shards > 1 else each) + clients
    text += f"\n  limit of memory: {bytes_text(round(most))}, of which {bytes_text(clients)} are for clients that do not read"
    if tls:
        text += " over TLS"
    return text + (", to load the share of a shard that restarts as well" if shards > 1 else "")


def memory_of(objects: float) -> float:
    """Return the bytes of memory of a shard with so many objects."""
    return BASE + objects * BYTES_EACH


def _amount(slots: int, size: FleetSize | None, base: float = 0.0) -> str:
    """Return the content of so many slots, as text.

    `base` is the memory of the process itself, where to be included.
    """
    if size is None:
        return ""
    share = slots / SLOTS
    memory = base + share * (size.deflated + size.objects * BESIDES)
    return (
        f", about {size.objects * share:.0f} objects, {size.series * share:.0f} series, "
        f"{bytes_text(round(size.deflated * share))} of pages, {bytes_text(round(memory))} of memory"
    )


def _seconds(count: float) -> str:
    return f"{count:.0f} s" if count >= 10 else f"{count:.2g} s"
