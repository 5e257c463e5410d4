"""`ksm-shard check`: prove that a fleet exports every object once, or say what is wrong."""

import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from ksm_shard.report import NoReport, Report, ask_all
from ksm_shard.settings.commands import Check

# Objects come and go between the answers of two shards: what is wrong once and right the next time was never wrong.
ATTEMPTS: Final = 5
PAUSE: Final = 1.0
PORT: Final = 8080
# Phases in which a slot may be held twice: that is what a hand-over is.
HANDING_OVER: Final = frozenset({"gaining", "releasing", "draining", "covering"})


def main(options: Check) -> int:
    """Print a table of the shards and what is wrong; return 0 if nothing is, 1 otherwise."""
    try:
        urls = options.urls or resolve(options.service, options.pod_namespace)
    except OSError as error:
        sys.stderr.write(f"ksm-shard: {options.service}.{options.pod_namespace}: {error}\n")
        return 1
    answers, found = attempt(lambda: ask_all(urls), time.sleep)
    print(table(answers))
    for problem in found:
        print(f"wrong: {problem}")
    if not found:
        reports = [answer for answer in answers if isinstance(answer, Report)]
        objects = sum(one.owned for report in reports for one in report.resources.values())
        print(f"right: {len(reports)} shards export {objects} objects, each once")
    return 1 if found else 0


def resolve(service: str, namespace: str) -> list[str]:
    """Return the URLs of the pods behind a headless Service, whether they are ready or not.

    Raises:
        OSError: there is no such name.
    """
    found = socket.getaddrinfo(f"{service}.{namespace}.svc", PORT, type=socket.SOCK_STREAM)
    hosts = sorted({str(address[0]) for *_, address in found})
    return [f"http://[{host}]:{PORT}" if ":" in host else f"http://{host}:{PORT}" for host in hosts]


def attempt(
    ask: Callable[[], list[Report | NoReport]], pause: Callable[[float], object]
) -> tuple[list[Report | NoReport], list[str]]:
    """Ask until nothing is wrong, at most five times; return the last answers and what is wrong with them."""
    for _ in range(ATTEMPTS - 1):
        answers = ask()
        if not problems(answers):
            return answers, []
        pause(PAUSE)
    answers = ask()
    return answers, problems(answers)


def problems(answers: Sequence[Report | NoReport]) -> list[str]:
    """Return a line for each thing that is wrong with a fleet."""
    reports = [answer for answer in answers if isinstance(answer, Report)]
    return [
        *(str(answer) for answer in answers if isinstance(answer, NoReport)),
        *(f"shard {report.shard} ({report.pod or 'static'}) is not ready" for report in reports if not report.ready),
        *_disagreements(reports),
        *_seats(reports),
        *_slots(reports),
        *_objects(reports),
    ]


def _disagreements(reports: Sequence[Report]) -> list[str]:
    found = []
    for what in ("version", "settings", "ring", "total", "digest"):
        values = Counter(getattr(report, what) for report in reports)
        if len(values) > 1:
            said = ", ".join(f"{value} ({count} shards)" for value, count in values.most_common())
            found.append(f"the shards disagree about {what}: {said}")
    return found


def _seats(reports: Sequence[Report]) -> list[str]:
    seats = Counter(report.shard for report in reports)
    total = max((report.total for report in reports), default=0)
    missing = [str(shard) for shard in range(total) if shard not in seats]
    found = [f"{count} processes say that they are shard {shard}" for shard, count in seats.items() if count > 1]
    if missing:
        found.append(f"of {total} shards these did not answer: {', '.join(missing)}")
    return found


def _slots(reports: Sequence[Report]) -> list[str]:
    if not reports:
        return []
    held = [sum(column) for column in zip(*(report.held for report in reports), strict=True)]
    found = []
    if 0 in held:
        found.append(f"{held.count(0)} of {len(held)} slots are held by no shard")
    twice = sum(count > 1 for count in held)
    if twice and not any(report.phase in HANDING_OVER for report in reports):
        found.append(f"{twice} slots are held by more than one shard, although no hand-over is under way")
    return found


def _objects(reports: Sequence[Report]) -> list[str]:
    found = []
    for name in sorted({name for report in reports for name in report.resources}):
        mine = [report.resources[name] for report in reports if name in report.resources]
        if len(mine) < len(reports):
            found.append(f"{name}: {len(reports) - len(mine)} of {len(reports)} shards do not export it")
        states = Counter(one.state for one in mine if not one.synced)
        found += [f"{name}: {count} shards have not listed it: {state}" for state, count in states.items()]
        # With server-side filtering each shard is shown only what is its own.
        seen = [one.seen for one in mine]
        there = sum(seen) if any(report.ring == "server-side" for report in reports) else max(seen)
        owned = sum(one.owned for one in mine)
        handing_over = any(report.phase in HANDING_OVER for report in reports)
        if owned < there or (owned > there and not handing_over):
            found.append(f"{name}: {owned} objects are exported, but there are {there}")
    return found


def table(answers: Sequence[Report | NoReport]) -> str:
    """Return a line for each shard."""
    rows = [("SHARD", "POD", "STATE", "SLOTS", "OBJECTS", "SERIES", "PAGES", "MEMORY")]
    reports = [answer for answer in answers if isinstance(answer, Report)]
    for report in sorted(reports, key=lambda report: -1 if report.shard is None else report.shard):
        resources = report.resources.values()
        rows.append(
            (
                "?" if report.shard is None else f"{report.shard}/{report.total}",
                report.pod or "-",
                report.phase if report.ready else "not ready",
                str(report.held.count(1)),
                str(sum(one.owned for one in resources)),
                str(sum(one.series for one in resources)),
                megabytes(sum(one.deflated for one in resources)),
                megabytes(report.memory),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def megabytes(count: float) -> str:
    """Write bytes for people."""
    return f"{count / 1e6:.1f} MB"
