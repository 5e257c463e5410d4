"""Kinds of values: each reads text and YAML, and writes values for a user.

On bad input a kind raises ValueError with the correct form; the caller adds the flag, key or variable and its value.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Generic, TypeVar

from ksm_shard.metrics.durations import nanoseconds
from ksm_shard.metrics.patterns import compiled

T = TypeVar("T")

Keys = Mapping[str, tuple[str, ...]]

TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
# A host, or an address of IPv6 in brackets, and a port.
ADDRESS: Final = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]+")
# Matches one `resource=[key,key]` and the comma or end behind it.
KEYS: Final = re.compile(r"\s*([^=\[\],\s]+)\s*=\[([^\[\]]*)\](?:,(?=.)|$)")


class Kind(Generic[T]):
    """A kind of value; `placeholder` stands for a value in `--help`."""

    placeholder: str

    def parse(self, text: str) -> T:
        """Read the text of a flag or variable.

        Raises:
            ValueError: the text is not valid; the message says what would be.
        """
        raise NotImplementedError

    def read(self, value: object) -> T:
        """Read a value of a YAML file.

        Raises:
            ValueError: the value is not valid; the message says what would be.
        """
        if isinstance(value, (dict, list)):
            raise ValueError("must be a single value")  # noqa: TRY004  the mistake is the user's, not the caller's
        return self.parse(_scalar(value))

    def show(self, value: T) -> str:
        """Write a value as a user would; "" for an empty value."""
        return str(value)

    def join(self, earlier: T, later: T) -> T:
        """Combine the values of a flag that was given twice.

        By default the later value replaces the earlier.
        """
        del earlier
        return later


class Text(Kind[str]):
    """Any text."""

    def __init__(self, placeholder: str = "TEXT") -> None:
        """Set the placeholder."""
        self.placeholder = placeholder

    def parse(self, text: str) -> str:
        """Return the text unchanged."""
        return text


class Url(Text):
    """The URL of an HTTP server, or ""."""

    def parse(self, text: str) -> str:
        """Read a URL with scheme; remove a slash at the end."""
        if text and not re.match(r"https?://[^/]", text):
            raise ValueError("must be a URL such as https://10.0.0.1:6443")
        return text.rstrip("/")


class Choice(Text):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        """Set the words to choose from."""
        super().__init__("|".join(words))
        self._words = words

    def parse(self, text: str) -> str:
        """Read one of the words."""
        if text not in self._words:
            raise ValueError(f"must be {' or '.join(self._words)}")
        return text


class Integer(Kind[int]):
    """An integer within bounds."""

    placeholder = "N"

    def __init__(self, lowest: int = 0, highest: int | None = None) -> None:
        """Set the bounds, both included; None means no upper bound."""
        self._lowest, self._highest = lowest, highest

    def parse(self, text: str) -> int:
        """Read decimal digits."""
        if re.fullmatch(r"-?[0-9]+", text):
            number = int(text)
            if self._lowest <= number and (self._highest is None or number <= self._highest):
                return number
        above = f"of at least {self._lowest}" if self._highest is None else f"from {self._lowest} to {self._highest}"
        raise ValueError(f"must be a whole number {above}")


class Rate(Kind[float]):
    """A rate: a number per second."""

    placeholder = "RATE"

    def parse(self, text: str) -> float:
        """Read a decimal number."""
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            raise ValueError("must be a number such as 10 or 0.5")
        return float(text)

    def show(self, value: float) -> str:
        """Write the number without trailing zeros."""
        return f"{value:g}"


class Boolean(Kind[bool]):
    """True or false, in the words of Go's `strconv.ParseBool`."""

    placeholder = ""

    def parse(self, text: str) -> bool:
        """Read one of Go's words."""
        if text not in TRUE | FALSE:
            raise ValueError("must be true or false (or 1, 0, t, f)")
        return text in TRUE

    def show(self, value: bool) -> str:
        """Write true or false."""
        return "true" if value else "false"


class Duration(Kind[float]):
    """Seconds, in the syntax of Go's `time.ParseDuration`."""

    placeholder = "DURATION"

    def parse(self, text: str) -> float:
        """Read numbers with units, such as 1h30m; `0` needs no unit."""
        value = nanoseconds(text)
        if value < 0:
            raise ValueError("must not be negative")
        return value / 1e9

    def show(self, value: float) -> str:
        """Write hours, minutes and seconds, leaving out those that are 0."""
        minutes, seconds = divmod(value, 60)
        hours, minutes = divmod(minutes, 60)
        parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
        return "".join(f"{number:g}{unit}" for number, unit in parts if number) or "0s"


class Words(Kind[tuple[str, ...]]):
    """A list of distinct words, in order of first appearance.

    Words are separated by commas, or given by repeating the flag.
    """

    def __init__(self, placeholder: str) -> None:
        """Set the placeholder."""
        self.placeholder = placeholder

    def parse(self, text: str) -> tuple[str, ...]:
        """Read words between commas."""
        return self._checked(text.split(","))

    def read(self, value: object) -> tuple[str, ...]:
        """Read a list, or the keys of a map, as kube-state-metrics does.

        In YAML a comma is part of a word.
        """
        if isinstance(value, (list, dict)):
            return self._checked([_scalar(item) for item in value])
        return super().read(value)

    def show(self, value: tuple[str, ...]) -> str:
        """Join the words with commas."""
        return ",".join(value)

    def join(self, earlier: tuple[str, ...], later: tuple[str, ...]) -> tuple[str, ...]:
        """Append the later words to the earlier ones."""
        return tuple(dict.fromkeys(earlier + later))

    def _checked(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


class Urls(Words):
    """A list of URLs of HTTP servers; HOST:PORT stands for http://HOST:PORT."""

    def __init__(self) -> None:
        """Use the placeholder URL."""
        super().__init__("URL")

    def _checked(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(word if "://" in word else f"http://{word}" for word in super()._checked(words))


class Several(Words):
    """Words that follow a flag until the next flag, as a shell makes of `rules/*.yaml`.

    A comma is part of a word.
    """

    def __init__(self, word: str) -> None:
        """Set the placeholder of one word."""
        super().__init__(f"{word}...")

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the one word."""
        return self._checked([text])


def is_url(source: str) -> bool:
    """Tell whether a source of `Scrapes` is a URL and no file."""
    return source.startswith(("http://", "https://"))


class Scrapes(Several):
    """URLs of exporters and names of files with recorded scrapes; HOST:PORT stands for http://HOST:PORT."""

    def __init__(self) -> None:
        """Use the placeholder URL|FILE."""
        super().__init__("URL|FILE")

    def _checked(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"http://{word}" if ADDRESS.fullmatch(word) else word for word in super()._checked(words))


class Patterns(Words):
    """Names of families, and regular expressions of ECMAScript."""

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
    """Keys of labels or annotations by resource: `pods=[app,team-*],*=[owner]`."""

    placeholder = "RESOURCE=[KEY,...],..."

    def parse(self, text: str) -> Keys:
        """Read a comma-separated list of `resource=[key,key]`."""
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
        """Read a map from resources to lists of keys."""
        if not isinstance(value, dict):
            return super().read(value)
        keys = {}
        for resource, words in value.items():
            if not isinstance(words, list):
                raise ValueError(f"must have a list of keys for {resource}")  # noqa: TRY004  the mistake is the user's
            keys[_scalar(resource)] = self._checked(_scalar(resource), [_scalar(word) for word in words])
        return keys

    def show(self, value: Keys) -> str:
        """Write the form that `parse` reads."""
        return ",".join(f"{resource}=[{','.join(words)}]" for resource, words in value.items())

    def join(self, earlier: Keys, later: Keys) -> dict[str, tuple[str, ...]]:
        """Append the later keys to the earlier ones, resource by resource."""
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
