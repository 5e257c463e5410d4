"""The status page in numbers and words: everything that its template only has to place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit

from ksm_shard.sharding.masks import SLOTS, difference
from ksm_shard.status.model import Readiness, ResourceStatus, Sibling, Slots, Status
from ksm_shard.web import strangers
from ksm_shard.web.source import Source

# Columns of the strip: 256 slots each, about as narrow as a telephone can show.
COLUMNS: Final = 256
# Ages from which an event is called old: API servers send a bookmark about once a minute.
OLD: Final = 300.0
# What strangers read in place of an error.
ELSEWHERE: Final = "the error is in the log, and here for who comes by kubectl port-forward or with credentials"


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of the strip: columns from `x`, and heights in hundredths of the tallest column."""

    x: int
    width: int
    served: float
    gained: float
    held: float


@dataclass(frozen=True, slots=True)
class Row:
    """A resource, with its ages and totals."""

    resource: ResourceStatus
    age: str
    old: bool
    relists: int
    errors: int

    @property
    def idle(self) -> bool:
        """True if nobody needs to read it: no objects, and nothing wrong."""
        resource = self.resource
        return resource.synced and not (
            resource.seen or resource.owned or resource.last_error or self.old or self.errors
        )


@dataclass(frozen=True, slots=True)
class CustomRow:
    """A family of a custom resource: its samples, objects without one, and values that are none."""

    resource: str
    family: str
    samples: int
    without: int
    empty: bool
    unused: int


@dataclass(frozen=True, slots=True)
class PageView:
    """The values that the template shows."""

    status: Status
    word: str
    problems: Sequence[str]
    notes: Sequence[str]
    config_age: str
    telemetry: str
    uptime: str
    phase_age: str
    bars: Sequence[Bar]
    tallest: int
    shares: Sequence[tuple[str, str, int, float]]
    rows: Sequence[Row]
    idle: Sequence[Row]
    custom: Sequence[CustomRow]
    ready_siblings: int
    siblings: Sequence[Sibling]
    seen: int
    owned: int
    deflated: str
    text: str


def view(source: Source, draining: bool, telemetry: str, now: float, *, brief: bool) -> PageView:
    """Everything on the page, as of `now` (seconds since 1970); without details of errors if brief."""
    status, readiness = source.status(), source.readiness()
    if brief:
        status, readiness = _brief(status, readiness)
    bars, tallest = strip(status.slots)
    rows = [_row(resource, now) for resource in sorted(status.resources, key=lambda resource: resource.name)]
    return PageView(
        status=status,
        word="draining" if draining else "ready" if readiness.ready else "not ready",
        problems=readiness.problems,
        notes=readiness.notes,
        config_age=age(now - status.config.read) if status.config is not None and status.config.read else "",
        telemetry=telemetry,
        uptime=age(now - status.started),
        phase_age=age(status.phase_seconds),
        bars=bars,
        tallest=tallest,
        shares=list(shares(status.slots)),
        rows=[row for row in rows if not row.idle],
        idle=[row for row in rows if row.idle],
        custom=[row for resource in status.resources for row in _custom(resource)],
        ready_siblings=sum(sibling.ready for sibling in status.siblings),
        siblings=sorted(status.siblings, key=lambda sibling: sibling.ordinal),
        seen=sum(resource.seen for resource in status.resources),
        owned=sum(resource.owned for resource in status.resources),
        deflated=size(sum(resource.deflated for resource in status.resources)),
        text=size(sum(resource.text for resource in status.resources)),
    )


def other_port(scheme: str, host: str, port: int) -> str:
    """Return the URL of another port on the host that the reader came by, the header `Host`."""
    name = urlsplit(f"//{host}").hostname or "localhost"
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}/"


def strip(slots: Slots) -> tuple[list[Bar], int]:
    """Return bars for the slots in order, equal neighbours as one bar, and the number of slots in the tallest column."""
    wide = SLOTS // COLUMNS
    served = difference(slots.own, slots.gained)
    counted = [
        tuple(mask.count(1, start, start + wide) for mask in (served, slots.gained, slots.held))
        for start in range(0, SLOTS, wide)
    ]
    tallest = max(map(sum, counted))
    bars, x = [], 0
    for (at_home, gained, held), run in groupby(counted):
        width = len(list(run))
        if at_home or gained or held:
            bars.append(Bar(x, width, *(round(count * 100 / tallest, 1) for count in (at_home, gained, held))))
        x += width
    return bars, tallest


def shares(slots: Slots) -> Iterator[tuple[str, str, int, float]]:
    """Yield the legend of the strip: CSS class, words, slots, and per cent of all slots."""
    parts = (
        ("served", "own, served", difference(slots.own, slots.gained)),
        ("gained", "gained, loading", slots.gained),
        ("held", "held for another", slots.held),
        ("lost", "given away last", slots.lost),
    )
    for name, words, mask in parts:
        yield name, words, mask.count(1), mask.count(1) * 100 / SLOTS


def age(seconds: float) -> str:
    """A duration in its two largest units: `42 s`, `3 min 5 s`, `2 d 4 h`."""
    whole = max(int(seconds), 0)
    units = (("d", whole // 86_400), ("h", whole // 3600 % 24), ("min", whole // 60 % 60), ("s", whole % 60))
    shown = [(unit, count) for unit, count in units]
    while len(shown) > 1 and shown[0][1] == 0:
        shown.pop(0)
    return " ".join(f"{count} {unit}" for unit, count in shown[:2] if count or unit == shown[0][0])


def size(count: int) -> str:
    """Bytes with three significant digits: `812 B`, `1.46 MB`."""
    if count < 1000:
        return f"{count} B"
    value, unit, *larger = count / 1000, "kB", "MB", "GB", "TB"
    while value >= 999.5 and larger:
        value, unit = value / 1000, larger.pop(0)
    return f"{value:.2f} {unit}" if value < 9.995 else f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def _custom(resource: ResourceStatus) -> Iterator[CustomRow]:
    noted = resource.stats.noted.copy()
    for family, tally in resource.tallies.items():
        unused = sum(count for (name, _), count in noted.items() if name == family)
        empty = not tally.samples and bool(tally.without)
        yield CustomRow(resource.name, family, tally.samples, tally.without, empty, unused)


def _brief(status: Status, readiness: Readiness) -> tuple[Status, Readiness]:
    resources = [replace(one, last_error=ELSEWHERE if one.last_error else "") for one in status.resources]
    return replace(status, problem=strangers.brief(status.problem), resources=resources), replace(
        readiness, problems=strangers.briefly(readiness.problems), notes=strangers.briefly(readiness.notes)
    )


def _row(resource: ResourceStatus, now: float) -> Row:
    stats = resource.stats
    seconds = None if stats.last_event is None else now - stats.last_event
    return Row(
        resource=resource,
        age="never" if seconds is None else age(seconds),
        old=seconds is None or seconds > OLD,
        relists=stats.relists.total(),
        errors=stats.errors,
    )
