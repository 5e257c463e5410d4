"""`ksm-shard check`: prove that a fleet exports every object once."""

import socket
import sys
import time
from collections.abc import Callable
from typing import Final

from ksm_shard.files import reason
from ksm_shard.fleet.access import access_of
from ksm_shard.fleet.client import ask_all
from ksm_shard.fleet.proof import Answers, notes, problems
from ksm_shard.settings.commands import Check
from ksm_shard.status.report import Report

# A problem that is gone at the next attempt is none: a shard was restarting, or some had not heard of a change yet.
ATTEMPTS: Final = 5
PAUSE: Final = 1.0


def main(options: Check) -> int:
    """Print a table of the shards and the problems.

    Return 1 if there is a problem, else 0.

    Raises:
        UsageError: the file of --http.config.file cannot be used.
    """
    access = access_of(options.http_config_file)
    try:
        urls = options.urls or resolve(options.service, options.pod_namespace, options.port, options.scheme)
    except OSError as error:
        sys.stderr.write(f"ksm-shard: {options.service}.{options.pod_namespace}: {reason(error)}\n")
        return 1
    answers, found = attempt(lambda: ask_all(urls, access), time.sleep)
    print(table(answers))
    for problem in found:
        print(f"wrong: {problem}")
    for note in notes(answers):
        print(f"note: {note}")
    if not found:
        reports = [answer for answer in answers if isinstance(answer, Report)]
        objects = sum(one.owned for report in reports for one in report.resources.values())
        twice = any(report.held != report.own for report in reports)
        print(f"right: {len(reports)} shards export {objects} objects, {'none missing' if twice else 'each once'}")
    return 1 if found else 0


def resolve(service: str, namespace: str, port: int, scheme: str) -> list[str]:
    """Return the URLs of the pods behind a headless Service.

    Pods that are not Ready are included.

    Raises:
        OSError: the name of the Service does not resolve.
    """
    found = socket.getaddrinfo(f"{service}.{namespace}.svc", port, type=socket.SOCK_STREAM)
    hosts = sorted({str(address[0]) for *_, address in found})
    return [f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}" for host in hosts]


def attempt(ask: Callable[[], Answers], pause: Callable[[float], object]) -> tuple[Answers, list[str]]:
    """Ask until there is no problem, at most ATTEMPTS times.

    Return the last answers and their problems.
    """
    earlier: list[Answers] = []
    while True:
        answers = ask()
        found = problems(answers, earlier)
        earlier.append(answers)
        if not found or len(earlier) == ATTEMPTS:
            return answers, found
        pause(PAUSE)


def table(answers: Answers) -> str:
    """Return the table, with a line for each shard."""
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
    """Format bytes for people."""
    return f"{count / 1e6:.1f} MB"
