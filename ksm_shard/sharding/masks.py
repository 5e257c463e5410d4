"""Masks: sets of slots as 65,536 bytes of 0 or 1.

Testing a slot is one look-up.
"""

SLOTS = 65_536
NONE = bytes(SLOTS)
ALL = b"\1" * SLOTS


def union(one: bytes, other: bytes) -> bytes:
    """Return the slots in either mask."""
    return (int.from_bytes(one) | int.from_bytes(other)).to_bytes(SLOTS)


def intersection(one: bytes, other: bytes) -> bytes:
    """Return the slots in both masks."""
    return (int.from_bytes(one) & int.from_bytes(other)).to_bytes(SLOTS)


def difference(one: bytes, other: bytes) -> bytes:
    """Return the slots of `one` that are not in `other`."""
    return (int.from_bytes(one) & ~int.from_bytes(other)).to_bytes(SLOTS)
