"""Scrapes of URLs and files, and the rounds of a comparison. Excludes the text format (test_exposition.py)."""

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ksm_shard.audit import sources
from ksm_shard.audit.exposition import UnreadableError
from ksm_shard.audit.findings import FamilyFindings
from ksm_shard.audit.sources import StoredScrapes, metrics_url, page
from ksm_shard.commands.compare import LEAST_ROUNDS, MOST_ROUNDS, PAUSE, compared

Answer = Callable[[int, str], tuple[int, dict[str, str], bytes]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serve what a function of the number of the request and its path returns: status, headers, body; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                number = len(asked)
                asked.append(self.path)
            status, headers, body = answer(number, self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    asked: list[str] = []
    lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def values(*given: str) -> list[float]:
    """Return the values in the scrapes of these sources."""
    with StoredScrapes(given) as scrapes:
        return [one.value for scrape in scrapes.of(given) for one in scrape.samples(["a"])]


def test_compressed_or_not(tmp_path: Path) -> None:
    """A server may compress, and a file may be compressed, as one member or as many."""
    body = gzip.compress(b"a 2\n") + gzip.compress(b"a 3\n")
    (tmp_path / "file").write_bytes(body)

    with serving(lambda *_: (200, {"Content-Encoding": "gzip"}, body)) as url:
        assert [2, 3, 2, 3] == values(url, str(tmp_path / "file"))
    with serving(lambda *_: (200, {}, b'b{a="x"} 1\na{b="a"} 4\na 5\n')) as url:
        assert [4, 5] == values(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h:1", "http://h:1/metrics"),
        ("http://h:1/", "http://h:1/metrics"),
        ("https://h/ksm/metrics?resources=pods", "https://h/ksm/metrics?resources=pods"),
    ],
)
def test_a_url_without_a_path_is_an_exporter(url: str, expected: str) -> None:
    """What else a URL says is taken as it is."""
    assert expected == metrics_url(url)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((503, {}, b"loading"), "HTTP Error 503: Service Unavailable"),
        ((200, {"Content-Length": "100"}, b"a 1\n"), "the answer ends 96 bytes too early"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"a 1\n" * 999)[:-9]), "Compressed file ended before"),
        ((200, {}, b"a" * sources.LONGEST_LINE), "not a scrape: it has a line of more than 4000000 bytes"),
    ],
)
def test_what_is_no_whole_scrape_is_an_error(answer: tuple[int, dict[str, str], bytes], why: str) -> None:
    """Half of a scrape would look like a loss of the other half."""
    with (
        serving(lambda *_: answer) as url,
        pytest.raises(UnreadableError, match=f"^{url}/metrics:? ?.*{why}|^{url}: {why}"),
    ):
        values(url)


def rounds(old: Callable[[int], str], new: Callable[[int], str]) -> tuple[dict[str, FamilyFindings], list[float]]:
    """Compare what two servers answer in each round; return the findings, and the pauses between the rounds."""
    pauses: list[float] = []
    with (
        serving(lambda number, _: (200, {}, old(number).encode())) as one,
        serving(lambda number, _: (200, {}, new(number).encode())) as other,
    ):
        found = compared([one], [other], [], pauses.append)
    return {name: family for name, family in found.items() if family.findings}, pauses


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((401, {}, b""), "401 Unauthorized: no credentials are sent to a Prometheus"),
        ((200, {}, gzip.compress(b"{}")[:-4]), "Compressed file ended before"),
        ((200, {}, gzip.compress(b"{}")[:10] + b"\xff" * 40), "Error -3 while decompressing"),
    ],
)
def test_a_prometheus_that_does_not_tell_its_rules(answer: tuple[int, dict[str, str], bytes], why: str) -> None:
    """One line says why."""
    with serving(lambda *_: answer) as url, pytest.raises(UnreadableError, match=f"^{url}/rules: {why}"):
        page(f"{url}/rules")


def test_equal_sides_are_scraped_once() -> None:
    """There is nothing to wait for."""
    assert ({}, []) == rounds(lambda _: "a 1\n", lambda _: "a 1\n")


def test_what_differs_in_one_round_only_is_waited_for() -> None:
    """The object came between the two scrapes."""
    assert ({}, [PAUSE]) == rounds(lambda _: "a 1\nb 1\n", lambda number: "a 1\n" if number == 0 else "a 1\nb 1\n")


def test_what_persists_is_found_after_a_few_rounds() -> None:
    """As soon as another round found the same, and whatever changes besides."""
    found, pauses = rounds(lambda number: f"a 1\nb 1\nc {number}\n", lambda number: f"a 1\nc {number + 1}\n")

    assert ["b"] == list(found)
    assert [PAUSE] * (LEAST_ROUNDS - 1) == pauses


def test_the_rounds_are_bounded() -> None:
    """Differences that become fewer with each round are looked at again, but not for ever."""
    lines = [f"a{number} 1\n" for number in range(20)]
    found, pauses = rounds(lambda _: "".join(lines), lambda number: "".join(lines[: number + 1]))

    assert MOST_ROUNDS - 1 == len(pauses)
    assert 20 - MOST_ROUNDS == len(found)
