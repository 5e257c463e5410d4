"""Farewells: the last samples of series that end while their samples have timestamps.

Prometheus ends a series that a target no longer has, unless its last sample had a timestamp: then the series stays for five
minutes. So such a series is written once more to every scraper, without a timestamp, and ends after that as any other. Until
then the object is shown as it was: its new series, which may differ by a label, would contradict the old ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ksm_shard.store.block import Origin
from ksm_shard.store.stamps import STAMPED_LINE


class Successor(NamedTuple):
    """The state of an object to show after the farewell."""

    origin: Origin
    texts: Sequence[str]


@dataclass(slots=True)
class Farewell:
    """An object of which some or all series end.

    Attributes:
        since: when they ended; a scraper whose scrape began later has had them without a timestamp.
        lines: of each family, the lines that end; None for all.
        successor: the state to show afterwards; None for a deleted object.
    """

    since: float
    lines: Mapping[int, str] | None = None
    successor: Successor | None = None

    def mark(self, family: int, text: bytes) -> bytes:
        """Return the text with a hole in each line that goes on.

        A timestamp fills the hole.
        """
        if self.lines is None:
            return text
        plain = set(_lines(self.lines.get(family, "").encode()))
        return b"".join([line + b"\n" if line in plain else line + STAMPED_LINE for line in _lines(text)])


def ended(before: str, after: str) -> str:
    """Return the lines of the text `before` whose series the text `after` lacks."""
    kept = {line.rpartition(b" ")[0] for line in _lines(after.encode())}
    gone = [line for line in _lines(before.encode()) if line.rpartition(b" ")[0] not in kept]
    return "".join([f"{line.decode()}\n" for line in gone])


def _lines(text: bytes) -> list[bytes]:
    """Split a text at line feeds only.

    Label values may hold other characters at which splitlines() splits.
    """
    return text.split(b"\n")[:-1]
