"""Resource versions of one server, one of which is known to be older than another only where both are numbers (KEP-5504)."""

from typing import Final

# A version is an etcd revision, of 64 bits. What is longer is no number of anybody's, and may be more than Python converts.
DIGITS: Final = 20


def older(one: str, other: str) -> bool:
    """Tell whether a version is surely older than another."""
    return _is_number(one) and _is_number(other) and int(one) < int(other)


def usable(version: str) -> str:
    """Return a version that can be asked for; "" for one that no server makes, such as of lone surrogates."""
    return version if version.isascii() and version.isprintable() else ""


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdecimal() and len(version) <= DIGITS
