"""Converts quantities to floats: `100m` -> 0.1, `1Ki` -> 1024, `1e3` -> 1000.

Source: apimachinery, api/resource. A quantity is a signed decimal number and a suffix: decimal (n u m k M G T P E), binary (Ki to
Ei) or an exponent. The API accepts quantities that do not fit 64 bits; their value, and the last digit of a float, depend on how Go
clients store the quantity:

stored as      quantities                                                          beyond 64 bits
-------------  ------------------------------------------------------------------  ---------------------------------
an int64       up to 18 digits, none finer than nano; binary: about 10**14, whole  0, or the lowest 64 bits (WRAPPED)
a big integer  the others; binary ones are capped at 2**63 - 1                     the lowest 64 bits
"""

import math
import re
from functools import lru_cache
from typing import Final, NamedTuple

QUANTITY: Final = re.compile(
    r"([+-])?(?=\.?\d)0*+(\d*+)(?:\.(\d*+))?(?:([EPTGMk]|[mun])|([KMGTPE]i)|[eE]([+-]?\d+))?", re.ASCII
)
DECIMAL: Final = dict(zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True))
BINARY: Final = {f"{suffix}i": 10 * power for power, suffix in enumerate("KMGTPE", start=1)}
# Any user may set a CPU limit of 1e999999, an integer that takes 50 s to compute. Capping the exponent changes no result: powers
# from 10**64 on have 64 low bits of 0, and numbers far below a thousandth are all rounded up to a thousandth.
MAX_EXPONENT: Final = 999
# An annotation may hold 250 kB of digits, which took 5 s to parse. Quantities that fit 64 bits need thirty characters.
MAX_LENGTH: Final = 1000
MAX_INT64: Final = 2**63 - 1
# Above this, milli-units overflow int64, so Go clients compute in whole units (api/resource, MaxMilliValue).
MAX_MILLI_VALUE: Final = MAX_INT64 // 1000
# Go multiplies an int64 by these powers of ten in one step, which wraps around. Other powers take steps of ten, where an overflow
# gives 0.
WRAPPED: Final = frozenset({0, 1, 2, 3, 6, 9})
NANO: Final = -9
MILLI: Final = -3


class Amount(NamedTuple):
    """A quantity as Go clients store it: mantissa * 10**exponent, in a big integer or an int64."""

    mantissa: int
    exponent: int
    big: bool

    def units(self, power: int) -> int:
        """Return the amount in units of 10**power, as an int64, rounded away from zero."""
        shift = self.exponent - power
        if shift >= 0:
            value = self.mantissa * 10**shift
            return _low_64_bits(value) if self.big or shift in WRAPPED or abs(value) <= MAX_INT64 else 0
        if self.big and self.mantissa < 0:
            return _negative_units(self.mantissa, 10**-shift)
        value = -(-abs(self.mantissa) // 10**-shift)
        return _low_64_bits(value if self.mantissa > 0 else -value)


@lru_cache(maxsize=4096)
def quantity(text: str) -> float:
    """Return the value of a quantity, rounded away from zero to a thousandth.

    Go clients round so. Cached: a cluster of 20,000 pods has only some dozens of different quantities.

    Raises:
        ValueError: the text is not a quantity.
    """
    amount = _amount(text)
    units = amount.units(0)
    return float(units) if units > MAX_MILLI_VALUE else float(amount.units(MILLI)) / 1000


@lru_cache(maxsize=4096)
def whole(text: str) -> float:
    """Return the value of a quantity in whole units, rounded away from zero.

    Raises:
        ValueError: the text is not a quantity.
    """
    return float(_amount(text).units(0))


@lru_cache(maxsize=4096)
def approximate(text: str) -> float:
    """Return the unrounded value of a quantity: `3u` is 3e-06.

    For quantities that are fractions by nature. Multiplies floats, as Go clients do: `26m` is 0.026000000000000002.

    Raises:
        ValueError: the text is not a quantity.
    """
    amount = _amount(text)
    try:
        return float(amount.mantissa) * _power_of_ten(amount.exponent)
    except OverflowError:
        return math.inf if amount.mantissa > 0 else -math.inf


def _power_of_ten(exponent: int) -> float:
    """Return 10**exponent as Go computes it.

    Exact up to 10**22, beyond that the product of two floats. No amount has an exponent below -9.
    """
    above = max(0, exponent - exponent % 32)
    return float(f"1e{above}") * float(f"1e{exponent - above}")


def _amount(text: str) -> Amount:
    match = QUANTITY.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError(f"expected a quantity such as 100m, 1.5 or 2Gi, got {text!r:.80}")
    sign, ones, fraction, suffix, binary, exponent = match.groups(default="")
    digits = len(ones or "0") + len(fraction)
    mantissa = int(ones + fraction or "0") * (-1 if sign == "-" else 1)
    if binary:
        shift = BINARY[binary]
        # Counts three digits for each factor of 1024, as api/resource does; up to fourteen digits in all stay an int64.
        if not fraction and digits + 3 * shift // 10 <= 14:
            return Amount(mantissa << shift, 0, big=False)
        amount = _big(mantissa << shift, -len(fraction))
        if abs(amount.mantissa) > MAX_INT64 * 10**-NANO:
            return Amount(MAX_INT64 if mantissa > 0 else -MAX_INT64, 0, big=True)
        return amount
    power = DECIMAL[suffix] if suffix else int(exponent or 0)
    power = max(-MAX_EXPONENT, min(power, MAX_EXPONENT)) - len(fraction)
    return Amount(mantissa, power, big=False) if digits <= 18 and power >= NANO else _big(mantissa, power)


def _big(mantissa: int, exponent: int) -> Amount:
    """Return a big amount in units of 10**-9, rounded away from zero, so that no amount becomes 0."""
    shift = exponent - NANO
    value = abs(mantissa) * 10**shift if shift >= 0 else -(-abs(mantissa) // 10**-shift)
    return Amount(value if mantissa > 0 else -value, NANO, big=True)


def _negative_units(mantissa: int, divisor: int) -> int:
    """Divide the mantissa of a negative big amount, which Go clients treat differently from a positive one.

    Takes the lowest 64 bits, divides them rounding towards zero, and adds one if there is a remainder.
    """
    low = _low_64_bits(mantissa)
    value = abs(low) // divisor
    return (value if low > 0 else -value) + (low % divisor != 0)


def _low_64_bits(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63
