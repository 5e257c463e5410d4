"""Asking for a report where there is none, or not of this version. What is made of reports is in test_check.py."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from ksm_shard.fleet.client import NoReport, ask_all
from ksm_shard.status.report import Report
from tests.commands.test_check import fleet


@contextmanager
def answering(data: bytes) -> Iterator[str]:
    """Answer one connection with these bytes; yield the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(data)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    thread.join(10)


@pytest.mark.parametrize(
    "url", ["http://h:abc", "h", "", "http://[::1", "ftp://127.0.0.1:1", "http://127.0.0.1:1", "http://a b/"]
)
def test_a_url_that_leads_nowhere_is_a_line_that_names_it(url: str) -> None:
    """No traceback, whatever was typed."""
    (found,) = ask_all([url])

    assert isinstance(found, NoReport)
    assert str(found).startswith(f"{url}: ")
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"resources": 5}',
    ],
)
def test_what_is_no_report_is_a_line(data: bytes) -> None:
    """A port of something else, an answer that is cut off, JSON of another kind."""
    with answering(data) as url:
        (found,) = ask_all([url])

    assert isinstance(found, NoReport)
    assert str(found).removeprefix(f"{url}: ")


def test_what_another_version_says_besides_is_passed_over() -> None:
    """During a rolling update check meets both; what an older one does not say is empty."""
    (report,) = fleet(1)
    value = json.loads(report.to_json()) | {"more": 1}
    value["resources"]["pods"]["more"] = 1
    del value["problem"]

    assert Report.from_json(json.dumps(value).encode()) == report
