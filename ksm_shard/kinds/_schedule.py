"""When a cron job runs next.

Schedules are read as the API server and the cron job controller read them: robfig/cron v3, "standard" specs, and a prefix
`TZ=` or `CRON_TZ=`. A step must be smaller than its range, as in kube-state-metrics since 2.19: `*/60` is invalid there.
cronsim finds the time. It is given numbers with a field for seconds, so that of its own dialect nothing is left: neither
`L` and `#`, nor Debian's rules for clock changes. As with the controller, a time that a clock change skips is no run, and one
that it repeats is two.
"""

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Field(NamedTuple):
    """The least and the greatest number of a field, and the names of its numbers."""

    least: int
    greatest: int
    names: dict[str, int]


MINUTE, HOUR, DAY = Field(0, 59, {}), Field(0, 23, {}), Field(1, 31, {})
MONTH = Field(1, 12, {name: number for number, name in enumerate(MONTHS, start=1)})
WEEKDAY = Field(0, 6, {name: number for number, name in enumerate(DAYS)})
ITEM: Final = re.compile(
    r"(?P<low>[*?]|\+?[0-9]+|[A-Za-z]+)(?:-(?P<high>\+?[0-9]+|[A-Za-z]+))?(?:/(?P<step>\+?[0-9]+))?"
)

DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
EVERY: Final = "@every "
# Go, time.ParseDuration.
DURATION: Final = re.compile(r"\+?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+")
DURATION_PART: Final = re.compile(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)")
SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
# Year 9900: cronsim looks 50 years ahead, and Python's calendar ends with the year 9999.
LAST: Final = 250_000_000_000


class Schedule(NamedTuple):
    """A schedule that was understood.

    Attributes:
        every: seconds from one run to the next, 0 if `expression` says when.
        expression: six fields for cronsim, "" if no moment ever matches.
        zone: of the expression.
    """

    every: int
    expression: str
    zone: tzinfo


# A cron job changes several times a run, and 20 to 140 us are spent on finding the next.
@lru_cache(maxsize=4096)
def next_run(schedule: Schedule, after: int) -> int | None:
    """Return the Unix time of the first run after that one, None if there is none within 50 years."""
    if schedule.every:
        return after + schedule.every
    if not schedule.expression or not 0 <= after <= LAST:
        return None
    try:
        found = next(CronSim(schedule.expression, datetime.fromtimestamp(after, schedule.zone)), None)
    except CronSimError:  # a day that no month has
        return None
    return None if found is None else int(found.timestamp())


@lru_cache(maxsize=4096)
def parse(text: str, zone: str | None) -> Schedule:
    """Read a schedule.

    Args:
        text: `spec.schedule`.
        zone: `spec.timeZone`, an IANA name; None is UTC.

    Raises:
        ValueError: it is no schedule, or there is no such time zone.
    """
    if zone is None and text.startswith(("TZ=", "CRON_TZ=")):
        prefix, _, text = text.partition(" ")
        zone = prefix.partition("=")[2]
    text = text.strip()
    where = UTC if zone is None else _zone(zone)
    if text.startswith(EVERY):
        return Schedule(_duration(text.removeprefix(EVERY)), "", where)
    fields = DESCRIPTORS.get(text, text).split()
    if len(fields) != 5:
        raise ValueError(f"expected a schedule of 5 fields such as 0 */6 * * *, got {text!r:.80}")
    expanded = [_expand(given, field) for given, field in zip(fields, (MINUTE, HOUR, DAY, MONTH, WEEKDAY), strict=True)]
    return Schedule(0, " ".join(["0", *expanded]) if all(expanded) else "", where)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, KeyError, ValueError):  # a directory of the database; not in it; not even a name
        raise ValueError(f"expected a time zone such as Europe/Berlin, got {name!r:.80}") from None


def _expand(text: str, field: Field) -> str:
    """Return the numbers that a field matches, or `*`: a day must match both fields of days if one of them has a star."""
    numbers: set[int] = set()
    starred = False
    for item in filter(None, text.split(",")):
        match = ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"expected a number, a range or a step such as 1, 1-5 or */2, got {item!r:.80}")
        low, high, step = match.group("low", "high", "step")
        star = low in "*?"
        first = field.least if star else _number(low, field)
        last = _number(high, field) if high else field.greatest if star or step else first
        by = int(step or 1)
        if not field.least <= first <= last <= field.greatest or by == 0 or 1 < by > last - first:
            raise ValueError(
                f"expected a range from {field.least} to {field.greatest} longer than its step, got {item!r:.80}"
            )
        starred = starred or (star and by == 1)
        numbers.update(range(first, last + 1, by))
    return "*" if starred else ",".join(map(str, sorted(numbers)))


def _number(text: str, field: Field) -> int:
    if text.isalpha():
        if text.lower() not in field.names:
            raise ValueError(f"expected a number or a name such as mon, got {text!r:.80}")
        return field.names[text.lower()]
    return int(text)


def _duration(text: str) -> int:
    if DURATION.fullmatch(text) is None:
        raise ValueError(f"expected a duration such as 1h30m, got {text!r:.80}")
    total = int(sum(float(number) * SECONDS[unit] for number, unit in DURATION_PART.findall(text)))
    if total < 1:
        raise ValueError(f"expected a duration of a second or more, got {text!r:.80}")
    return total
