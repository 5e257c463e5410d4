"""Quantities as floats: `100m` -> 0.1, `1Ki` -> 1024, `1e3` -> 1000.

Source: apimachinery, api/resource: a signed decimal number and a suffix, decimal (n u m k M G T P E), binary (Ki to Ei) or
an exponent.
"""

import re
from decimal import ROUND_UP, Decimal
from functools import lru_cache
from typing import Final

QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([EPTGMk]|[mun])|([KMGTPE]i)|[eE]([+-]?\d+))?", re.ASCII)
DECIMAL: Final = dict(zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True))
BINARY: Final = {f"{suffix}i": Decimal(2) ** (10 * power) for power, suffix in enumerate("KMGTPE", start=1)}
# Any pod's CPU limit may be 1e999999, an integer that takes 50 s to make. Powers of ten from 10**64 on are 0 in 64 bits, and
# far below a thousandth all are rounded to it, so that nothing is lost by reading greater exponents as this one.
MAX_EXPONENT: Final = 999
# An annotation may be 250 kB of digits, which took 5 s. What fits 64 bits needs thirty characters.
MAX_LENGTH: Final = 1000
MAX_INT64: Final = 2**63 - 1
# Above this the API's own arithmetic in milli-units would overflow int64, so whole units are used (api/resource, MaxMilliValue).
MAX_MILLI_VALUE: Final = MAX_INT64 // 1000


@lru_cache(maxsize=4096)
def quantity(text: str) -> float:
    """Return the value of a quantity, exact to a thousandth and rounded away from zero, as the API's clients read it.

    Cached: a cluster of 20,000 pods has some dozens of different ones.

    Raises:
        ValueError: the text is no quantity.
    """
    value = _decimal(text)
    units = _int64(value)
    return float(units) if units > MAX_MILLI_VALUE else float(_int64(value * 1000)) / 1000


@lru_cache(maxsize=4096)
def whole(text: str) -> float:
    """Return the value of a quantity in whole units, rounded away from zero.

    Raises:
        ValueError: the text is no quantity.
    """
    return float(_int64(_decimal(text)))


@lru_cache(maxsize=4096)
def exact(text: str) -> float:
    """Return the value of a quantity as it is, for those that are fractions by nature: `3u` is 3e-06.

    Raises:
        ValueError: the text is no quantity.
    """
    return float(_decimal(text))


def _decimal(text: str) -> Decimal:
    match = QUANTITY.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError(f"expected a quantity such as 100m, 1.5 or 2Gi, got {text!r:.80}")
    digits, suffix, binary, exponent = match.groups()
    if binary is not None:
        # The API's clients cap binary quantities only.
        return max(Decimal(-MAX_INT64), min(Decimal(digits) * BINARY[binary], Decimal(MAX_INT64)))
    power = DECIMAL[suffix] if suffix is not None else int(exponent or 0)
    return Decimal(digits).scaleb(max(-MAX_EXPONENT, min(power, MAX_EXPONENT)))


def _int64(value: Decimal) -> int:
    """Round away from zero and wrap around at 64 bits: the API accepts larger quantities and its clients wrap most of them."""
    return (int(value.to_integral_value(ROUND_UP)) + 2**63) % 2**64 - 2**63
