r"""Read the text format of Prometheus line by line.

A series is known by a number, the hash of its name and its labels in any order: labels that are empty do not count, as in
Prometheus. A line that Prometheus would refuse is an error with its place; HELP and other comments are passed over.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

# A label, from its name to before the quotation mark that ends its value.
LABEL: Final = rb'[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\n]*(?:\\[^\n][^"\\\n]*)*'
NUMBER: Final = rb"[-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[iI]nf|[nN]a[nN])"
SAMPLE: Final = re.compile(
    rb"([a-zA-Z_:][a-zA-Z0-9_:]*)"
    rb"(?:\{(" + LABEL + rb'"(?:,' + LABEL + rb'")*)?,?\})?'
    rb"[ \t]+(" + NUMBER + rb")([ \t]+-?[0-9]+)?[ \t]*\r?\n?"
)
LABELS: Final = re.compile(rb"(" + LABEL + rb')",?')
TYPE: Final = re.compile(rb"#[ \t]+TYPE[ \t]+(\S+)[ \t]+([a-z]+)[ \t]*\r?\n?")
ESCAPE: Final = re.compile(r'\\([\\"n])')
# As much of a line as an error shows.
SHOWN: Final = 120


class UnreadableError(ValueError):
    """A source that is not what it should be; the text is one line that names the place."""


class Sample(NamedTuple):
    """A sample as written.

    Attributes:
        name: of the family.
        pairs: the labels, each as `name="value` without the last quotation mark, sorted.
        value: the number.
        stamped: whether the sample has a timestamp.
        size: bytes of its line.
    """

    name: bytes
    pairs: list[bytes]
    value: float
    stamped: bool
    size: int

    @property
    def series(self) -> int:
        """Number of the series, the same for equal series within this process."""
        return hash((self.name, *self.pairs))

    def labels(self) -> dict[str, str]:
        """Return the labels as text, without escapes."""
        named = (pair.decode("utf-8", "replace").split('="', 1) for pair in self.pairs)
        return {name: unescaped(value) for name, value in named}


class Header(NamedTuple):
    """The type of a family, which may have no samples."""

    name: bytes
    type: str


def read(lines: Iterable[bytes], where: str) -> Iterator[Sample | Header]:
    """Yield the samples and headers of a scrape.

    Args:
        lines: the lines, with their ends.
        where: name of the source, for errors.

    Raises:
        UnreadableError: a line is no sample.
    """
    match = SAMPLE.fullmatch
    for number, line in enumerate(lines, 1):
        if found := match(line):
            name, labels, value, timestamp = found.groups()
            yield Sample(name, pairs_of(labels) if labels else [], float(value), timestamp is not None, len(line))
        elif line[:1] == b"#":
            if header := TYPE.fullmatch(line):
                yield Header(header[1], header[2].decode())
        elif line.strip():
            shown = line[:SHOWN].decode("utf-8", "replace").strip()
            raise UnreadableError(f"{where}:{number}: not a sample of the text format: {shown!r}")


def pairs_of(labels: bytes) -> list[bytes]:
    """Return the labels between the braces of a valid sample, sorted, without empty ones."""
    # No value contains the separator, unless it begins with a comma or has an escaped quotation mark before one.
    plain = b"\\" not in labels and b'=",' not in labels
    pairs = labels[:-1].split(b'",') if plain else LABELS.findall(labels)
    if b'=""' in labels:
        pairs = [pair for pair in pairs if not pair.endswith(b'="')]
    pairs.sort()
    return pairs


def unescaped(value: str) -> str:
    """Return a label value as it is meant."""
    return ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value) if "\\" in value else value
