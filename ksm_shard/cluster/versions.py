"""Compare resource versions of one server; only numbers have an order (KEP-5504)."""

from typing import Final

# A version is an etcd revision of 64 bits. A longer text is no version, and may have more digits than Python converts.
DIGITS: Final = 20


def older(one: str, other: str) -> bool:
    """Return whether version `one` is surely older than `other`."""
    return _is_number(one) and _is_number(other) and int(one) < int(other)


def usable(version: str) -> str:
    """Return the version if a request may carry it, else "".

    No server makes versions of characters such as lone surrogates.
    """
    return version if version.isascii() and version.isprintable() else ""


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdecimal() and len(version) <= DIGITS
