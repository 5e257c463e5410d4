"""The last word about series that end while their samples have timestamps.

Prometheus ends a series that a target no longer has, unless its last sample had a timestamp: then it stays for five minutes. So
such a series is written once more, without a timestamp, to everybody who scrapes, and ends after that as any other. The object is
shown as it was until then, and not before that as it is now: two series that differ by a label would be in each other's way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ksm_shard.store.block import Origin
from ksm_shard.store.stamps import STAMPED_LINE


class Successor(NamedTuple):
    """What is to be shown of an object afterwards."""

    origin: Origin
    texts: Sequence[str]


@dataclass(slots=True)
class Farewell:
    """An object of which some or all series end.

    Attributes:
        since: when they did; whoever has had a scrape that began after that has had them without a timestamp.
        lines: of each family, the lines that end; None for all.
        successor: None for an object that is no more.
    """

    since: float
    lines: Mapping[int, str] | None = None
    successor: Successor | None = None

    def mark(self, family: int, text: bytes) -> bytes:
        """Return a text of the object with a hole for a timestamp in each line that goes on."""
        if self.lines is None:
            return text
        plain = set(_lines(self.lines.get(family, "").encode()))
        return b"".join([line + b"\n" if line in plain else line + STAMPED_LINE for line in _lines(text)])


def ended(before: str, after: str) -> str:
    """Return the lines of one text whose series another has not."""
    kept = {line.rpartition(b" ")[0] for line in _lines(after.encode())}
    gone = [line for line in _lines(before.encode()) if line.rpartition(b" ")[0] not in kept]
    return "".join([f"{line.decode()}\n" for line in gone])


def _lines(text: bytes) -> list[bytes]:
    """Return the lines of a text: label values may have other characters that end one elsewhere."""
    return text.split(b"\n")[:-1]
