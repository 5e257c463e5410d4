"""Cut JSON at its brackets, for lists with an object that is nested too deeply for any decoder."""

import re
from collections.abc import Iterator
from typing import Final

from ksm_shard.wire.frames import WireError

# Brackets, and texts, in which brackets mean nothing.
TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)


def cut(body: bytes) -> tuple[bytes, list[bytes]]:
    """Return a list without its items, and those: none is decoded, so that one may be nested as deeply as it likes."""
    begin, end = span(body, b'"items"')
    items = body[begin:end]
    return body[:begin] + b"[]" + body[end:], [
        items[first:last] for depth, first, last in _brackets(items) if depth == 2
    ]


def span(body: bytes, name: bytes) -> tuple[int, int]:
    """Return where the map or list begins and ends that is the field of an object, as deep as it may be."""
    for depth, begin, end in _brackets(body):
        if depth == 2 and body[:begin].rstrip(b" \t\r\n:").endswith(name):
            return begin, end
    raise WireError(f"expected {name.decode()}, got {len(body)} bytes")


def _brackets(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the depth, the beginning and the end of the maps and lists down to the second level, each when it ends."""
    begins: list[int] = []
    for token in TOKEN.finditer(body):
        kind = token[0][:1]
        if kind in b"[{":
            begins.append(token.start())
        elif kind != b'"' and begins:
            depth, begin = len(begins), begins.pop()
            if depth <= 2:
                yield depth, begin, token.end()
