"""Scrapes on disk: of URLs, asked all at once, and of recorded files.

An answer is written to a temporary file as it comes, compressed if the exporter can, and read from there as often as needed: so all
sides are scraped at about one time, no exporter waits for a slow reader, and memory does not grow with the scrape.
"""

import gzip
import io
import tempfile
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import urlsplit

from ksm_shard.audit.exposition import Header, Sample, UnreadableError, read
from ksm_shard.fleet.access import OPEN, Access
from ksm_shard.fleet.client import HINT, open_url, said
from ksm_shard.settings.values import is_url

# Plain names and no OpenMetrics: what every exporter can write.
HEADERS: Final = {"Accept": "text/plain;version=0.0.4;q=1,*/*;q=0.1", "Accept-Encoding": "gzip"}
# Seconds without a byte: kube-state-metrics took 9.7 s for a scrape of 20,000 pods.
SILENCE: Final = 60.0
# Seconds for a whole scrape, and bytes of it as sent: beyond that something else than an exporter answers.
LONGEST: Final = 300.0
LARGEST: Final = 4_000_000_000
# Bytes of a line: Kubernetes lets all annotations of an object have 256 kB.
LONGEST_LINE: Final = 4_000_000
PIECE: Final = 1 << 16
GZIP: Final = b"\x1f\x8b"


class StoredScrape:
    """A scrape that can be read several times.

    Attributes:
        source: URL or name of the file.
    """

    def __init__(self, source: str, content: IO[bytes]) -> None:
        """Take the content, compressed or not."""
        self.source = source
        self._content = content

    def __iter__(self) -> Iterator[Sample | Header]:
        """Yield the samples and headers from the beginning.

        Raises:
            UnreadableError: it is no scrape, or not a whole one.
        """
        yield from read(self._lines(), self.source)

    def samples(self, families: Collection[str]) -> Iterator[Sample]:
        """Yield the samples of some families; others cost a tenth of the time."""
        names = frozenset(map(str.encode, families))
        lines = (line for line in self._lines() if line.partition(b"{")[0].partition(b" ")[0] in names)
        for one in read(lines, self.source):
            if isinstance(one, Sample):
                yield one

    def _lines(self) -> Iterator[bytes]:
        self._content.seek(0)
        compressed = self._content.read(2) == GZIP
        self._content.seek(0)
        # Not closed: that would close the content, too.
        plain = io.BufferedReader(gzip.GzipFile(fileobj=self._content), 1 << 20) if compressed else self._content
        try:
            for line in iter(partial(plain.readline, LONGEST_LINE), b""):
                if len(line) == LONGEST_LINE:
                    raise UnreadableError(
                        f"{self.source}: not a scrape: it has a line of more than {LONGEST_LINE} bytes"
                    )
                yield line
        except (EOFError, OSError, zlib.error) as error:
            raise UnreadableError(f"{self.source}: {error}") from None

    def close(self) -> None:
        """Remove the temporary file, if there is one."""
        self._content.close()


class StoredScrapes:
    """Scrapes of several sources, made at one time.

    Use it as a context, which removes the temporary files.
    """

    def __init__(self, sources: Sequence[str], access: Access = OPEN) -> None:
        """Scrape the URLs, with credentials, and open the files.

        Raises:
            UnreadableError: a source does not answer, or cannot be opened.
        """
        with ThreadPoolExecutor(max_workers=64) as pool:
            made = {source: pool.submit(_content, source, access) for source in sources}
        self._of = {source: StoredScrape(source, one.result()) for source, one in made.items() if not one.exception()}
        for one in made.values():
            if error := one.exception():
                self.close()
                raise error

    def of(self, sources: Sequence[str]) -> list[StoredScrape]:
        """Return the scrapes of some sources."""
        return [self._of[source] for source in sources]

    def close(self) -> None:
        """Remove the temporary files."""
        for one in self._of.values():
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def metrics_url(url: str) -> str:
    """Return where to scrape a URL: `/metrics` unless the URL has a path."""
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/metrics"


def exporters(sources: Iterable[str]) -> list[str]:
    """Return the URLs among some sources, without their paths."""
    return [f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, filter(is_url, sources))]


def page(url: str) -> bytes:
    """Return what a URL answers.

    Raises:
        UnreadableError: there is no answer, or not a whole one.
    """
    with _download(url, hint="no credentials are sent to a Prometheus") as content:
        answer = content.read()
    try:
        return gzip.decompress(answer) if answer.startswith(GZIP) else answer
    except (EOFError, OSError, zlib.error) as error:
        raise UnreadableError(f"{url}: {error}") from None


def _content(source: str, access: Access) -> IO[bytes]:
    if is_url(source):
        return _download(metrics_url(source), access)
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise UnreadableError(f"{source}: {error.strerror}") from None


def _download(url: str, access: Access = OPEN, hint: str = HINT) -> IO[bytes]:
    content = tempfile.TemporaryFile()  # noqa: SIM115  closed by the scrape
    deadline = time.monotonic() + LONGEST
    try:
        with open_url(url, access, HEADERS, SILENCE) as answer:
            while piece := answer.read(PIECE):
                content.write(piece)
                if time.monotonic() > deadline or content.tell() > LARGEST:
                    raise UnreadableError(f"{url}: not a scrape: longer than {LONGEST:.0f} s or {LARGEST} bytes")
            if answer.length:  # http.client leaves it to its caller to notice
                raise UnreadableError(f"{url}: the answer ends {answer.length} bytes too early")
    except (OSError, HTTPException, ValueError) as error:
        content.close()
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"{url}: {said(error, hint)}") from None
    content.seek(0)
    return content
