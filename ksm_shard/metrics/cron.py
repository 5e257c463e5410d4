"""Computes the next run of a cron job.

The answer is the one of the CronJob controller: robfig/cron v3 with its "standard" specs, an optional prefix `TZ=` or `CRON_TZ=`,
and its search, whose steps matter where clocks change. A skipped time is no run, a repeated time is two runs. On days without a
midnight, in zones east of Greenwich, a search that is stepping over days skips such a day as well, and a search that is stepping
over hours counts such a day as part of the day before. One rule is kube-state-metrics': a step must be smaller than its range.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ksm_shard.metrics.durations import nanoseconds

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Field(NamedTuple):
    """The bounds of a field: least and greatest number, names of numbers, and the end of ranges for steps."""

    least: int
    greatest: int
    names: dict[str, int]
    end: int


MINUTE, HOUR, DAY = Field(0, 59, {}, 59), Field(0, 23, {}, 23), Field(1, 31, {}, 31)
MONTH = Field(1, 12, {name: number for number, name in enumerate(MONTHS, start=1)}, 12)
# kube-state-metrics counts Sunday as 7 as well, and therefore accepts */7.
WEEKDAY = Field(0, 6, {name: number for number, name in enumerate(DAYS)}, 7)
# robfig/cron ignores what stands between a star and the step.
ITEM: Final = re.compile(
    r"(?:(?P<star>[*?])(?:-[^/]*)?|(?P<low>\+?[0-9]+|[A-Za-z]+)(?:-(?P<high>\+?[0-9]+|[A-Za-z]+))?)(?:/(?P<step>\+?[0-9]+))?"
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
SECOND: Final = 10**9

# robfig/cron stops its search after this many years.
YEARS: Final = 5
# Year 9900. Searches need the years after that, and Python's calendar ends with the year 9999.
LAST: Final = 250_000_000_000
EPOCH: Final = date(1970, 1, 1).toordinal()
# Multiplying a mask of weekdays (seven bits) by this repeats the mask for six weeks.
WEEKS: Final = sum(1 << 7 * week for week in range(6))


class Schedule(NamedTuple):
    """A parsed schedule. Each field is a bit mask: bit n is set if the number n matches.

    Attributes:
        every: seconds between runs (`@every`); 0 if the fields decide.
        minutes, hours, days, months, weekdays: the fields.
        either: a day matches by its date or by its weekday, as cron has it if neither field has a star; otherwise by both.
        zone: time zone of the fields.
    """

    every: int
    minutes: int
    hours: int
    days: int
    months: int
    weekdays: int
    either: bool
    zone: tzinfo


# Cached: a cron job changes several times a run, and finding the next run takes 3 to 20 us.
@lru_cache(maxsize=4096)
def next_run(schedule: Schedule, after: int) -> int | None:
    """Return the Unix time of the first run after `after`, or None if no run follows within five years."""
    if schedule.every:
        return after + schedule.every
    if not 0 <= after <= LAST or not schedule.minutes or not schedule.hours:
        return None
    return _first(schedule, after)


def _first(schedule: Schedule, after: int) -> int | None:
    zone, hours, minutes = schedule.zone, schedule.hours, schedule.minutes
    moment = after + 1
    last_year = _day_of(moment + _offset(moment, zone)).year + YEARS
    # As robfig/cron's `added`: true once the smaller fields were set to their beginning.
    begun = False
    while True:
        wall = moment + _offset(moment, zone)
        today = _day_of(wall)
        day = _first_day(schedule, today, last_year)
        if day is None:
            return None
        if day != today:
            # The minutes are kept, as in robfig/cron: they are not 0 where a clock change shifted the hours by half an hour.
            moment = _beginning(day, wall % 3600 * begun, zone)
            begun = True
            continue
        if not hours >> wall // 3600 % 24 & 1:
            moment = _step(moment if begun else _moment(wall - wall % 3600, zone), 3600, 24, hours, zone)
            begun = True
            wall = moment + _offset(moment, zone)
            if wall // 3600 % 24 == 0:
                continue
        if not minutes >> wall // 60 % 60 & 1:
            moment = _step(moment - moment % 60, 60, 60, minutes, zone)
            begun = True
            if (moment + _offset(moment, zone)) // 60 % 60 == 0:
                continue
        if moment % 60 == 0:
            return moment
        moment += 60 - moment % 60
        begun = True


def _offset(moment: int, zone: tzinfo) -> int:
    """Return the UTC offset of a zone at a Unix time, in seconds."""
    if zone is UTC:
        return 0
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    return 0 if offset is None else offset.days * 86400 + offset.seconds


def _moment(wall: int, zone: tzinfo) -> int:
    """Return the Unix time of a wall-clock time.

    A time that clocks skip is moved as by Go's time.Date.
    """
    return wall - _offset(wall - _offset(wall, zone), zone)


def _day_of(wall: int) -> date:
    return date.fromordinal(EPOCH + wall // 86400)


def _beginning(day: date, late: int, zone: tzinfo) -> int:
    """Return the Unix time at which a day begins, plus `late` seconds.

    East of Greenwich, for a day whose midnight the clocks skip, returns the beginning of the next day, as robfig/cron does.
    """
    midnight = (day.toordinal() - EPOCH) * 86400 + late
    moment = _moment(midnight, zone)
    hour = (moment + _offset(moment, zone)) // 3600 % 24
    if hour == 0:
        return moment
    return moment + (24 - hour) * 3600 if hour > 12 else _moment(midnight + 86400, zone)


def _first_day(schedule: Schedule, day: date, last_year: int) -> date | None:
    """Return the first matching day on or after `day`.

    Return None if there is none until the end of `last_year`.
    """
    year, month, least = day.year, day.month, day.day
    while year <= last_year:
        if schedule.months >> month & 1 and (days := _days(schedule, year, month) >> least):
            return date(year, month, least + _lowest(days))
        year, month, least = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)
    return None


def _days(schedule: Schedule, year: int, month: int) -> int:
    """Return the matching days of a month as a bit mask."""
    monday, length = monthrange(year, month)
    of_weeks = (schedule.weekdays * WEEKS >> (monday + 1) % 7) << 1
    days = schedule.days | of_weeks if schedule.either else schedule.days & of_weeks
    return days & (2 << length) - 1


def _step(moment: int, unit: int, units: int, bits: int, zone: tzinfo) -> int:
    """Return the next Unix time at which a field matches or starts over at 0.

    Args:
        moment: Unix time to start from.
        unit: seconds of one step: 3600 for hours, 60 for minutes.
        units: steps until the field starts over: 24 or 60.
        bits: the matching numbers.
        zone: time zone of the field.
    """
    offset = _offset(moment, zone)
    value = (moment + offset) // unit % units
    ahead = bits >> value + 1
    found = moment + unit * (1 + _lowest(ahead) if ahead else units - value)
    if _offset(found, zone) == offset:
        return found
    while True:
        moment += unit
        value = (moment + _offset(moment, zone)) // unit % units
        if value == 0 or bits >> value & 1:
            return moment


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


@lru_cache(maxsize=4096)
def parse(text: str, zone: str | None) -> Schedule:
    """Parse a schedule.

    Args:
        text: `spec.schedule`.
        zone: `spec.timeZone`, an IANA name; None means UTC.

    Raises:
        ValueError: the text is not a schedule, or the time zone does not exist.
    """
    if zone is None and text.startswith(("TZ=", "CRON_TZ=")):
        prefix, _, text = text.partition(" ")
        zone = prefix.partition("=")[2]
    where = UTC if zone is None else _zone(zone)
    if zone is not None:
        text = text.strip()
    if text.startswith(EVERY):
        return Schedule(_duration(text.removeprefix(EVERY)), 0, 0, 0, 0, 0, either=False, zone=where)
    fields = DESCRIPTORS.get(text, text).split()
    if len(fields) != 5:
        raise ValueError(f"expected a schedule of 5 fields such as 0 */6 * * *, got {text!r:.80}")
    (minutes, _), (hours, _), (days, any_day), (months, _), (weekdays, any_weekday) = (
        _bits(given, field) for given, field in zip(fields, (MINUTE, HOUR, DAY, MONTH, WEEKDAY), strict=True)
    )
    return Schedule(0, minutes, hours, days, months, weekdays, either=not any_day and not any_weekday, zone=where)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name in {"UTC", "Local"} else ZoneInfo(name)
    except (OSError, KeyError, ValueError):  # a directory of the database; not in the database; not a valid name
        raise ValueError(f"expected a time zone such as Europe/Berlin, got {name!r:.80}") from None


def _bits(text: str, field: Field) -> tuple[int, bool]:
    """Return the numbers that a field matches, as a bit mask, and whether the field has a star."""
    bits, starred = 0, False
    for item in filter(None, text.split(",")):
        match = ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"expected a number, a range or a step such as 1, 1-5 or */2, got {item!r:.80}")
        star, low, high, step = match.group("star", "low", "high", "step")
        first = field.least if star else _number(low, field)
        last = _number(high, field) if high else field.greatest if star or step else first
        size = (last if high else field.end) - first + 1
        by = int(step or 1)
        if not field.least <= first <= last <= field.greatest or by == 0 or (step and 1 < by >= size):
            raise ValueError(
                f"expected a range from {field.least} to {field.greatest} longer than its step, got {item!r:.80}"
            )
        starred = starred or (star is not None and by == 1)
        bits |= sum(1 << number for number in range(first, last + 1, by))
    return bits, starred


def _number(text: str, field: Field) -> int:
    if text.isalpha():
        if text.lower() not in field.names:
            raise ValueError(f"expected a number or a name such as mon, got {text!r:.80}")
        return field.names[text.lower()]
    return int(text)


def _duration(text: str) -> int:
    """Return a duration in whole seconds, at least 1, as robfig/cron's `@every` does."""
    try:
        return max(nanoseconds(text) // SECOND, 1)
    except ValueError as error:
        raise ValueError(f"expected a duration after @every: {text!r:.80} {error}") from None
