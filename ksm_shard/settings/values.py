"""Kinds of values: how each is read from text and from YAML, and written again.

A kind raises ValueError with what would be right; the caller adds which flag, key or variable holds what instead.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Generic, TypeVar

from ksm_shard.metrics.patterns import compiled

T = TypeVar("T")

Keys = Mapping[str, tuple[str, ...]]

TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
# One `resource=[key,key]`, and what ends it.
KEYS: Final = re.compile(r"\s*([^=\[\],\s]+)\s*=\[([^\[\]]*)\](?:,(?=.)|$)")


class Kind(Generic[T]):
    """One kind of value. `placeholder` stands for it in `--help`."""

    placeholder: str

    def parse(self, text: str) -> T:
        """Read what stands in a flag or a variable. Raises ValueError."""
        raise NotImplementedError

    def read(self, value: object) -> T:
        """Read what stands in a YAML file. Raises ValueError."""
        if isinstance(value, (dict, list)):
            raise ValueError("must be a single value")  # noqa: TRY004  the user's mistake, not the caller's
        return self.parse(_scalar(value))

    def show(self, value: T) -> str:
        """Write a value as a user would; nothing at all as ""."""
        return str(value)

    def join(self, earlier: T, later: T) -> T:
        """Say what a flag means that is given twice: the later one counts."""
        del earlier
        return later


class Text(Kind[str]):
    """Any text."""

    def __init__(self, placeholder: str = "TEXT") -> None:
        """Show this placeholder."""
        self.placeholder = placeholder

    def parse(self, text: str) -> str:
        """Take the text as it is."""
        return text


class Url(Text):
    """The URL of an HTTP server, or nothing."""

    def parse(self, text: str) -> str:
        """Take a URL with its scheme, less a slash at the end."""
        if text and not re.match(r"https?://[^/]", text):
            raise ValueError("must be a URL such as https://10.0.0.1:6443")
        return text.rstrip("/")


class Choice(Text):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        """Allow these words."""
        super().__init__("|".join(words))
        self._words = words

    def parse(self, text: str) -> str:
        """Take one of the words."""
        if text not in self._words:
            raise ValueError(f"must be {' or '.join(self._words)}")
        return text


class Integer(Kind[int]):
    """A whole number within bounds."""

    placeholder = "N"

    def __init__(self, lowest: int = 0, highest: int | None = None) -> None:
        """Allow the numbers from lowest to highest, both included."""
        self._lowest, self._highest = lowest, highest

    def parse(self, text: str) -> int:
        """Take a number in decimal digits."""
        if re.fullmatch(r"-?[0-9]+", text):
            number = int(text)
            if self._lowest <= number and (self._highest is None or number <= self._highest):
                return number
        above = f"of at least {self._lowest}" if self._highest is None else f"from {self._lowest} to {self._highest}"
        raise ValueError(f"must be a whole number {above}")


class Rate(Kind[float]):
    """How many times a second."""

    placeholder = "RATE"

    def parse(self, text: str) -> float:
        """Take a decimal number."""
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            raise ValueError("must be a number such as 10 or 0.5")
        return float(text)

    def show(self, value: float) -> str:
        """Write no decimals that say nothing."""
        return f"{value:g}"


class Boolean(Kind[bool]):
    """On or off, in the words of Go's `strconv.ParseBool`."""

    placeholder = ""

    def parse(self, text: str) -> bool:
        """Take one of Go's words."""
        if text not in TRUE | FALSE:
            raise ValueError("must be true or false (or 1, 0, t, f)")
        return text in TRUE

    def show(self, value: bool) -> str:
        """Write true or false."""
        return "true" if value else "false"


class Duration(Kind[float]):
    """Seconds, written as Go's `time.ParseDuration` reads them."""

    placeholder = "DURATION"

    def parse(self, text: str) -> float:
        """Take numbers with units, one after the other; `0` needs none."""
        parts = DURATION.findall(text)
        if text != "0" and (not parts or "".join(number + unit for number, unit in parts) != text):
            raise ValueError("must be a duration such as 30s, 1m30s or 500ms")
        return sum(float(number) * SECONDS[unit] for number, unit in parts)

    def show(self, value: float) -> str:
        """Write hours, minutes and seconds, without those that are 0."""
        minutes, seconds = divmod(value, 60)
        hours, minutes = divmod(minutes, 60)
        parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
        return "".join(f"{number:g}{unit}" for number, unit in parts if number) or "0s"


class Words(Kind[tuple[str, ...]]):
    """A list that is comma-separated or given bit by bit: each word once, in the order of their first appearance."""

    def __init__(self, placeholder: str) -> None:
        """Show this placeholder."""
        self.placeholder = placeholder

    def parse(self, text: str) -> tuple[str, ...]:
        """Take the words between commas."""
        return self._checked(text.split(","))

    def read(self, value: object) -> tuple[str, ...]:
        """Take a list, or the keys of a map, as kube-state-metrics has it: there, a comma is part of a word."""
        if isinstance(value, (list, dict)):
            return self._checked([_scalar(item) for item in value])
        return super().read(value)

    def show(self, value: tuple[str, ...]) -> str:
        """Write a comma between each two."""
        return ",".join(value)

    def join(self, earlier: tuple[str, ...], later: tuple[str, ...]) -> tuple[str, ...]:
        """Add up."""
        return tuple(dict.fromkeys(earlier + later))

    def _checked(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


class Patterns(Words):
    """Names and regular expressions of ECMAScript."""

    def _checked(self, words: Sequence[str]) -> tuple[str, ...]:
        checked = super()._checked(words)
        for word in checked:
            try:
                compiled(word)
            except re.error as error:
                raise ValueError(
                    f"must be names or regular expressions, but in {word!r} there is a fault: {error}"
                ) from None
        return checked


class KeysByResource(Kind[Keys]):
    """Keys of labels or annotations, by resource: `pods=[app,team-*],*=[owner]`."""

    placeholder = "RESOURCE=[KEY,...],..."

    def parse(self, text: str) -> Keys:
        """Take any number of `resource=[key,key]`, separated by commas."""
        keys: dict[str, tuple[str, ...]] = {}
        position = 0
        while position < len(text):
            found = KEYS.match(text, position)
            if not found:
                raise ValueError(f"must be like pods=[app,team-*],*=[owner], but is not from {text[position:]!r} on")
            resource, inside = found.groups()
            words = tuple(word.strip() for word in inside.split(",")) if inside.strip() else ()
            keys = self.join(keys, {resource: self._checked(resource, words)})
            position = found.end()
        return keys

    def read(self, value: object) -> Keys:
        """Take a map of resources to lists of keys."""
        if not isinstance(value, dict):
            return super().read(value)
        keys = {}
        for resource, words in value.items():
            if not isinstance(words, list):
                raise ValueError(f"must have a list of keys for {resource}")  # noqa: TRY004  the user's mistake
            keys[_scalar(resource)] = self._checked(_scalar(resource), [_scalar(word) for word in words])
        return keys

    def show(self, value: Keys) -> str:
        """Write what `parse` reads."""
        return ",".join(f"{resource}=[{','.join(words)}]" for resource, words in value.items())

    def join(self, earlier: Keys, later: Keys) -> dict[str, tuple[str, ...]]:
        """Add up, by resource."""
        resources = dict.fromkeys([*earlier, *later])
        return {name: tuple(dict.fromkeys(earlier.get(name, ()) + later.get(name, ()))) for name in resources}

    def _checked(self, resource: str, words: Sequence[str]) -> tuple[str, ...]:
        for word in words:
            if not word:
                raise ValueError(f"must name a key between any two commas of {resource}=[...]")
            if word.count("*") > 1:
                raise ValueError(f"must have one * in a key at most, but {resource} has {word!r}")
        return tuple(dict.fromkeys(words))


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return Boolean().show(value)
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ValueError("must be plain text or a number")
