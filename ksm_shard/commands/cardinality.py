"""`ksm-shard cardinality`: what the series of an exporter are, and which of them nobody uses.

Exit status 2 if that cannot be told, else 0.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ksm_shard.audit.advice import flags
from ksm_shard.audit.amounts import Amounts, SeriesAmount, amounts
from ksm_shard.audit.catalogue import families
from ksm_shard.audit.columns import columns
from ksm_shard.audit.digest import digest
from ksm_shard.audit.exposition import UnreadableError
from ksm_shard.audit.expressions import Expression, Expressions
from ksm_shard.audit.given import expressions
from ksm_shard.audit.sources import StoredScrapes, exporters
from ksm_shard.fleet.access import OPEN, Access, access_of
from ksm_shard.fleet.client import ask_all
from ksm_shard.settings.commands import Cardinality
from ksm_shard.settings.values import is_url
from ksm_shard.status.report import Report
from ksm_shard.web.page import size as bytes_text

OK: Final = 0
UNCLEAR: Final = 2
# Rows of a table: what matters is at its top, and the rest is in the JSON.
ROWS: Final = 25


def main(options: Cardinality) -> int:
    """Print the tables, or everything as JSON."""
    try:
        used = expressions(options.rules, options.dashboards)
        access = access_of(options.http_config_file)
        found = some(counted(options.urls, options.wait, time.sleep, access))
    except UnreadableError as error:
        sys.stderr.write(f"ksm-shard: {error}\n")
        return UNCLEAR
    reports = [one for one in ask_all(exporters(options.urls), access) if isinstance(one, Report)]
    users = used.of(found.families)
    advice = flags(found.families, users, reports) if used.all else []
    if options.output == "json":
        print(json.dumps(as_json(found, used, users, advice), indent=2))
    else:
        for line in tables(found, used, users, advice):
            print(line)
    return OK


def counted(sources: Sequence[str], wait: float, pause: Callable[[float], object], access: Access = OPEN) -> Amounts:
    """Count the series of an exporter, once more after a while if `wait` is not 0.

    Raises:
        UnreadableError: a source is no scrape.
    """
    if not wait:
        with StoredScrapes(sources, access) as scrapes:
            return amounts(scrapes.of(sources), _made_at(sources))
    with StoredScrapes(sources, access) as scrapes:
        began = time.monotonic()
        earlier = digest(scrapes.of(sources))
    pause(max(0.0, wait - (time.monotonic() - began)))
    with StoredScrapes(sources, access) as scrapes:
        return amounts(scrapes.of(sources), time.time(), earlier, wait)


def some(found: Amounts) -> Amounts:
    """Return the amounts.

    Raises:
        UnreadableError: there is no series: what is empty is another page, or an exporter that has yet to list.
    """
    if not found.total(found.families).series:
        raise UnreadableError("--url: there is no series in its scrapes")
    return found


def _made_at(sources: Sequence[str]) -> float:
    """Return when a scrape was made: now, or when the newest of the files was written."""
    if any(map(is_url, sources)):
        return time.time()
    return max(Path(source).stat().st_mtime for source in sources)


def unused(found: Amounts, users: Mapping[str, object]) -> list[str]:
    """Return the families that no expression uses."""
    return [name for name in found.families if name not in users]


def tables(
    found: Amounts, used: Expressions, users: Mapping[str, Sequence[Expression]], advice: Sequence[str]
) -> Iterator[str]:
    """Yield the lines of the three tables, what is unused, and the flags."""
    read = _labels_read(used)
    by_family = {name: one.total for name, one in found.families.items()}
    yield from _table("FAMILY", by_family, lambda name: _users(used, users.get(name, ())))
    yield ""
    yield from _table(
        "LABEL", found.by_label(), lambda name: f"{found.values[name]} values{_is_read(used, name in read)}"
    )
    yield ""
    yield from _table("NAMESPACE", found.by_namespace(), lambda _: "")
    yield ""
    total = found.total(found.families)
    yield f"all: {_said(total)} in {len(found.families)} families, {total.new:.0f} new series an hour"
    if not used.all:
        return
    for unclear in used.unclear:
        yield f"note: {unclear.place}: cannot be read: {unclear.fault}"
    names = unused(found, users)
    least = found.total(names)
    share = least.series / total.series if total.series else 0.0
    yield f"unused: {_said(least)} ({share:.0%}) in {len(names)} families, by {len(used.all)} expressions"
    if advice:
        yield "these flags leave that out:"
        yield from (f"    {flag}" for flag in advice)


def _table(title: str, rows: Mapping[str, SeriesAmount], more: Callable[[str], str]) -> Iterator[str]:
    ordered = sorted(rows.items(), key=lambda row: (-row[1].bytes, row[0]))
    cells = [
        (name or "(none)", str(one.series), bytes_text(one.bytes), f"{one.new:.0f}", more(name))
        for name, one in ordered[:ROWS]
    ]
    yield from columns([(title, "SERIES", "BYTES", "NEW/H", ""), *cells])
    if rest := [one for _, one in ordered[ROWS:]]:
        yield f"and {len(rest)} more, with {sum(one.series for one in rest)} series; --output json has all"


def _users(used: Expressions, users: Sequence[Expression]) -> str:
    if not used.all:
        return ""
    return f"used by {len(users)}" if users else "unused"


def _is_read(used: Expressions, is_read: bool) -> str:
    return "" if not used.all or is_read else ", unused"


def _labels_read(used: Expressions) -> set[str]:
    return {
        label
        for one in used.all
        for label in (one.uses.labels | one.shown).union(*(selector.labels for selector in one.uses.selectors))
    }


def _said(amount: SeriesAmount) -> str:
    return f"{amount.series} series, {bytes_text(amount.bytes)}"


def as_json(
    found: Amounts, used: Expressions, users: Mapping[str, Sequence[Expression]], advice: Sequence[str]
) -> dict[str, Any]:
    """Return everything, with all rows."""
    read = _labels_read(used)
    names = unused(found, users) if used.all else []
    return {
        **_amount(found.total(found.families)),
        "families": [
            {"name": name, "resource": _resource(name), **_amount(one.total), "used_by": _places(users.get(name, ()))}
            for name, one in found.families.items()
        ],
        "labels": [
            {"name": name, "values": found.values[name], **_amount(one), "used": name in read}
            for name, one in found.by_label().items()
        ],
        "namespaces": [{"name": name, **_amount(one)} for name, one in found.by_namespace().items()],
        "expressions": len(used.all),
        "unreadable_expressions": [{"place": one.place, "fault": one.fault} for one in used.unclear],
        "unused": {"families": names, **_amount(found.total(names))},
        "flags": list(advice),
    }


def _amount(amount: SeriesAmount) -> dict[str, float]:
    return {"series": amount.series, "bytes": amount.bytes, "new_series_per_hour": round(amount.new, 1)}


def _places(users: Iterable[Expression]) -> list[str]:
    return [one.place for one in users]


def _resource(name: str) -> str | None:
    known = families().get(name)
    return known[0].name if known else None
