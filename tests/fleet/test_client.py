"""Asking shards for their reports, where something else answers. Whole fleets are in tests/e2e/test_fleet_commands.py."""

import pytest

from ksm_shard.fleet.client import NoReport, ask
from tests.audit.test_sources import serving

ELSE = "expected the report of a shard, got something else"
ODD = {
    "nothing": (200, b"", ELSE),
    "another document": (200, b"[]", ELSE),
    "nested too deeply": (200, b"[" * 100_000, ELSE),
    "a report of another kind": (200, b'{"pod": 5}', ELSE),
    "a page": (404, b"<html>", "HTTP Error 404"),
    "nobody who is known": (401, b"", "401 Unauthorized: --http.config.file names who asks"),
}


@pytest.mark.parametrize(("status", "body", "why"), ODD.values(), ids=ODD)
def test_no_report(status: int, body: bytes, why: str) -> None:
    """Whatever a URL answers that is no shard's, there is one line that names it."""
    with serving(lambda *_: (status, {}, body)) as url, pytest.raises(NoReport, match=f"^{url}: {why}.*$") as caught:
        ask(url)
    assert "\n" not in str(caught.value)
