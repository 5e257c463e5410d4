"""`ksm-shard compare`: what a switch from one exporter to another would lose.

Exit status 0 if nothing, 1 if something, 2 if that cannot be told.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from ksm_shard.audit.affected import affected
from ksm_shard.audit.columns import columns
from ksm_shard.audit.differences import Differences, differences, persisting
from ksm_shard.audit.digest import digest
from ksm_shard.audit.exposition import UnreadableError
from ksm_shard.audit.expressions import Expression, Expressions
from ksm_shard.audit.findings import FamilyFindings, Finding, findings
from ksm_shard.audit.given import expressions
from ksm_shard.audit.reasons import FilteredSide, Moving, Reasons
from ksm_shard.audit.sources import StoredScrapes, exporters
from ksm_shard.fleet.access import OPEN, Access, access_of
from ksm_shard.fleet.client import ask_all
from ksm_shard.fleet.strays import strays
from ksm_shard.settings.commands import Compare
from ksm_shard.settings.options import UsageError
from ksm_shard.settings.values import is_url
from ksm_shard.status.report import Report

NOTHING_LOST: Final = 0
LOST: Final = 1
UNCLEAR: Final = 2
# Rounds of scrapes, with seconds between: most of what differs in one is the same in the next. In a cluster with 100 changes a
# second, two exporters that are scraped together differ in a hundred series, and after three rounds in none.
LEAST_ROUNDS: Final = 3
MOST_ROUNDS: Final = 6
PAUSE: Final = 2.0


def main(options: Compare) -> int:
    """Print what differs, why, and who uses it."""
    try:
        used = expressions(options.rules, options.dashboards, options.prometheus)
        access = access_of(options.http_config_file)
        _reports(options.old, "--old", access)
        found = compared(options.old, options.new, _reports(options.new, "--new", access), time.sleep, access)
    except UnreadableError as error:
        sys.stderr.write(f"ksm-shard: {error}\n")
        return UNCLEAR
    users = affected(used, found.values())
    for line in text(found, used, users):
        print(line)
    return LOST if users or any(one.is_loss for one in found.values()) else NOTHING_LOST


def compared(
    old: Sequence[str],
    new: Sequence[str],
    reports: Sequence[Report],
    pause: Callable[[float], object],
    access: Access = OPEN,
) -> Mapping[str, FamilyFindings]:
    """Scrape both sides until what differs is what persists.

    Args:
        old: URLs and files of the one side.
        new: those of the other.
        reports: of the shards of the new side, if it is a fleet of ksm-shard.
        pause: waits for so many seconds.
        access: credentials for both sides.

    Raises:
        UnreadableError: a source is no scrape, or has no series.
    """
    live = [is_url(source) for source in (*old, *new)]
    earlier: Differences | None = None
    rounds = 0
    while True:
        rounds += 1
        with StoredScrapes(list(dict.fromkeys([*old, *new])), access) as scrapes:
            sides = digest(scrapes.of(old)), digest(scrapes.of(new))
            for side, flag in zip(sides, ("--old", "--new"), strict=True):
                if not side:
                    raise UnreadableError(f"{flag}: there is no series in its scrapes")
            now = differences(*sides)
            persistent = persisting(earlier, now) if earlier is not None else now
            if _settled(earlier, persistent, rounds) or not any(live):
                moving = Moving(scrapes.of(old), scrapes.of(new), time.time() if all(live) else None)
                reasons = Reasons(FilteredSide(reports, sides[1]), moving)
                return findings(persistent, scrapes.of(old), scrapes.of(new), reasons)
        earlier = persistent
        pause(PAUSE)


def _settled(earlier: Differences | None, persistent: Differences, rounds: int) -> bool:
    """Tell whether another round would find the same."""
    left = sum(one.size for one in persistent.values())
    before = sum(one.size for one in earlier.values()) if earlier is not None else None
    return not left or rounds == MOST_ROUNDS or (rounds >= LEAST_ROUNDS and left == before)


def text(
    found: Mapping[str, FamilyFindings], used: Expressions, users: Mapping[Expression, Sequence[str]]
) -> Iterator[str]:
    """Yield the lines of the report: all families, what differs, who uses it, and the verdict."""
    rows = [(name, _count(one.difference.old), _count(one.difference.new), _result(one)) for name, one in found.items()]
    yield from columns([("FAMILY", "OLD", "NEW", "RESULT"), *rows])
    for one in found.values():
        yield from _details(one)
    for user, reasons in users.items():
        for reason in reasons:
            yield f"affected: {user.place}: {reason}"
    for unclear in used.unclear:
        yield f"note: {unclear.place}: cannot be read: {unclear.fault}"
    yield from _notes(found.values())
    if used.all:
        yield f"{len(users)} of {len(used.all)} expressions are affected"
    yield _verdict(found.values(), users)


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _result(one: FamilyFindings) -> str:
    if not one.findings:
        return "missing" if one.difference.vanishes else "equal"
    return ", ".join(f"{sum(found.count for found in group)} {sort}" for sort, group in _by_sort(one))


def _by_sort(one: FamilyFindings) -> Iterator[tuple[str, list[Finding]]]:
    for sort in dict.fromkeys(found.sort for found in one.findings.values()):
        yield sort.value, [found for found in one.findings.values() if found.sort is sort]


def _details(one: FamilyFindings) -> Iterator[str]:
    if one.is_loss and not one.findings:
        yield f"{one.name}: not known to the new side, without series at the moment{_because(one.reason.text)}"
    for found in one.findings.values():
        yield f"{one.name}: {found.count} {found.sort.value}{_because(found.reason.text)}"
        for example in found.examples:
            yield f"    {example}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _notes(found: Iterable[FamilyFindings]) -> Iterator[str]:
    for one in found:
        difference = one.difference
        if difference.changing:
            yield f"note: {one.name}: {len(difference.changing)} series changed in each round, and were not compared"
        if difference.handed:
            yield f"note: {one.name}: {difference.handed} series are there twice: a hand-over is under way"
        if difference.repeated:
            yield f"note: {one.name}: the old side repeats {len(difference.repeated)} series"
        if difference.types:
            yield f"note: {one.name}: its type is {difference.types[1]}, and was {difference.types[0]}"


def _verdict(found: Iterable[FamilyFindings], users: Mapping[Expression, Sequence[str]]) -> str:
    found = list(found)
    equal = sum(1 for one in found if not one.findings and not one.difference.vanishes)
    lossy = [one for one in found if one.is_loss]
    series = sum(one.lost for one in lossy)
    if lossy or users:
        return f"lost: {series} series of {len(lossy)} families; {equal} of {len(found)} families are equal"
    harmless = sum(one.count for family in found for one in family.findings.values())
    return f"nothing is lost: {equal} of {len(found)} families are equal, and {harmless} series differ without a loss"


def _reports(urls: Sequence[str], flag: str, access: Access) -> list[Report]:
    """Return the reports of the shards among the URLs; none if they are of another exporter.

    Raises:
        UsageError: they are a part of a fleet.
    """
    reports = [answer for answer in ask_all(exporters(urls), access) if isinstance(answer, Report)]
    if wrong := strays(reports, 0, flag):
        raise UsageError(*wrong)
    return reports
