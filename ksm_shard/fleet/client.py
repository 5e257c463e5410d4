"""Client of a fleet: asks shards for their reports over HTTP."""

import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from typing import Final
from urllib.error import HTTPError, URLError

from ksm_shard.fleet.access import OPEN, Access
from ksm_shard.status.report import Report

TIMEOUT: Final = 10.0
# Bytes of a report that are read: one of 45 resources has 30 kB, and any URL may be asked by mistake.
MOST: Final = 16 << 20
# Statuses that other credentials may change.
REFUSED: Final = frozenset({401, 403})
HINT: Final = "--http.config.file names who asks"


class NoReport(Exception):
    """A shard did not answer with a report.

    The text is one line that names the URL.
    """


def open_url(
    url: str, access: Access = OPEN, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> HTTPResponse:
    """Ask for any page of a shard, with credentials.

    Raises:
        OSError, HTTPException: no answer, or one that is no success; `said` has the line for it.
    """
    request = urllib.request.Request(url, headers=dict(headers or {}))
    if access.authorization:
        # Not sent on to where an answer may redirect: that is no shard of ours.
        request.add_unredirected_header("Authorization", access.authorization)
    try:
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=timeout, context=access.context)
    except HTTPError as error:
        error.close()  # an answer that nobody will read
        raise
    return answer


def said(error: Exception, hint: str = HINT) -> str:
    """Return a line about an error of `open_url`, with a hint for those that other credentials may change."""
    if isinstance(error, HTTPError) and error.code in REFUSED:
        return f"{error.code} {error.reason}: {hint}"
    if isinstance(error, URLError) and not isinstance(error, HTTPError):  # its text is `<urlopen error ...>`
        return f"{getattr(error.reason, 'strerror', None) or error.reason}"
    # The error for an answer that is not HTTP quotes its first line, and some errors have no text.
    return " ".join(str(error).split())[:200] or type(error).__name__


def ask(url: str, access: Access = OPEN) -> Report:
    """Fetch the report of the shard at a URL, which may be that of its metrics.

    Raises:
        NoReport: the shard did not answer with a report.
    """
    try:
        with open_url(f"{url.rstrip('/').removesuffix('/metrics')}/shard", access) as answer:
            return Report.from_json(answer.read(MOST))
    except (OSError, HTTPException) as error:
        raise NoReport(f"{url}: {said(error)}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoReport(
            f"{url}: expected the report of a shard, got something else: is this the main port of a shard?"
        ) from None


def ask_all(urls: Sequence[str], access: Access = OPEN) -> list[Report | NoReport]:
    """Ask all shards at once, for answers of about the same time."""

    def answer(url: str) -> Report | NoReport:
        try:
            return ask(url, access)
        except NoReport as error:
            return error

    with ThreadPoolExecutor(max_workers=64) as pool:
        return list(pool.map(answer, urls))
