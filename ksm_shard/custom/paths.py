"""Parse paths: lists of segments that lead to a value.

A step that leads nowhere gives null.

segment   on a map                                          on a list
--------  ------------------------------------------------  --------------------------------------------------
x         the field of that very name                       the element of that number, -1 the last
k=v       the value of k if it is the text v, else field    null
[k=v]     null                                              the first map whose k is v, as text, number or bool
*         each value                                        each element          (in the dialect ksm-shard/v1)
..        out of the last *, at the beginning of a path                           (in the dialect ksm-shard/v1)
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from ksm_shard.custom.values import MAX_INT64, MIN_INT64, boolean, of_text

INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Child:
    """A field of a map, or the element of a list by number."""

    name: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Equal:
    """`k=v` in a map: the value of `key` if equal to the text.

    Otherwise the field that is called `k=v`.
    """

    key: str
    text: str

    @property
    def name(self) -> str:
        """The whole segment as the name of a field."""
        return f"{self.key}={self.text}"


@dataclass(frozen=True, slots=True)
class Find:
    """`[k=v]` in a list: its first map with an equal value.

    Equal as a text, a number or a bool.
    """

    key: str
    text: str
    number: float | None
    flag: bool | None


@dataclass(frozen=True, slots=True)
class Each:
    """`*`: each element of a list or map."""


@dataclass(frozen=True, slots=True)
class Up:
    """`..`: the element around, or the object around all."""


Step = Child | Equal | Find | Each | Up
Path = tuple[Step, ...]


# Cached: metrics of a file repeat the paths of their labels, and each is parsed in 10 us.
@lru_cache(maxsize=4096)
def parse(segments: tuple[str, ...], *, dialect: bool = False) -> Path:
    """Return the steps of a path.

    Args:
        segments: as in the file.
        dialect: whether `*` and `..` are wildcards, and no names.

    Raises:
        ValueError: a segment that means nothing; the text says why.
    """
    steps = tuple(_step(segment, dialect) for segment in segments)
    if any(isinstance(step, Up) and not isinstance(before, Up) for before, step in pairwise(steps)):
        raise ValueError('".." stands at the beginning of a path only')
    return steps


def outward(path: Path) -> tuple[int, Path]:
    """Return the number of leading `..`, and the rest of a path."""
    ups = sum(isinstance(step, Up) for step in path)
    return ups, path[ups:]


def around(path: Path) -> int:
    """Return the number of elements around a found value, object included."""
    depth = sum(isinstance(step, Each) for step in path)
    return depth + (depth > 0 and not isinstance(path[-1], Each))


def _step(segment: str, dialect: bool) -> Step:
    if dialect and segment in {"*", ".."}:
        return Each() if segment == "*" else Up()
    if segment.startswith("[") and segment.endswith("]") and len(segment) > 1:
        key, equals, text = segment[1:-1].partition("=")
        if not equals:
            hint = ': "*" means each element' if dialect else ""
            raise ValueError(f'"{segment}" has no "=": [key=value] finds an element of a list, 0 is the first{hint}')
        return Find(key, text, of_text(text), boolean(text))
    if segment.count("=") == 1:
        return Equal(*segment.split("="))
    if INTEGER.fullmatch(segment) and len(segment) < 32 and MIN_INT64 <= int(segment) <= MAX_INT64:
        return Child(segment, int(segment))
    return Child(segment)
