"""Client of a fleet: asks shards for their reports over HTTP."""

import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from typing import Final
from urllib.error import HTTPError

from ksm_shard.status.report import Report

TIMEOUT: Final = 10.0


class NoReport(Exception):
    """A shard did not answer with a report.

    The text is one line that names the URL.
    """


def open_url(url: str, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT) -> HTTPResponse:
    """Ask for any page of an exporter.

    Raises:
        OSError, HTTPException: no answer, or one that is no success.
    """
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
    except HTTPError as error:
        error.close()  # an answer that nobody will read
        raise
    return answer


def ask(url: str) -> Report:
    """Fetch the report of the shard at a URL.

    Raises:
        NoReport: the shard did not answer with a report.
    """
    try:
        with open_url(f"{url.rstrip('/')}/shard") as answer:
            return Report.from_json(answer.read())
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        # The error for an answer that is not HTTP quotes its first line, and some errors have no text.
        raise NoReport(f"{url}: {' '.join(str(error).split())[:200] or type(error).__name__}") from None


def ask_all(urls: Sequence[str]) -> list[Report | NoReport]:
    """Ask all shards at once, for answers of about the same time."""

    def answer(url: str) -> Report | NoReport:
        try:
            return ask(url)
        except NoReport as error:
            return error

    with ThreadPoolExecutor(max_workers=64) as pool:
        return list(pool.map(answer, urls))
