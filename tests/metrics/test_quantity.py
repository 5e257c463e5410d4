"""Quantities become floats. Which families read them how, the goldens of tests/kinds show."""

import math
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.metrics.quantity import approximate, quantity, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1", 1),
        ("+3", 3),
        ("-2", -2),
        (".5", 0.5),
        ("1.", 1),
        ("1.5", 1.5),
        ("100m", 0.1),
        ("1500m", 1.5),
        ("1k", 1e3),
        ("1M", 1e6),
        ("2G", 2e9),
        ("1T", 1e12),
        ("1P", 1e15),
        ("1E", 1e18),
        ("1Ki", 1024),
        ("1.5Mi", 1.5 * 2**20),
        ("64Gi", 2**36),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E3", 1000),
        ("25e-1", 2.5),
    ],
)
def test_every_suffix_is_read(text: str, value: float) -> None:
    """Decimal and binary suffixes, exponents and signs are those of the API."""
    assert value == quantity(text)


@pytest.mark.parametrize(
    ("text", "value"), [("1u", 0.001), ("1n", 0.001), ("-1n", -0.001), ("1.0001", 1.001), ("1e-400", 0.001)]
)
def test_what_is_finer_than_a_thousandth_is_rounded_away_from_zero(text: str, value: float) -> None:
    """A little is never nothing."""
    assert value == quantity(text)


@pytest.mark.parametrize(("text", "value"), [("1500m", 2), ("-1500m", -2), ("1m", 1), ("10Gi", 10 * 2**30)])
def test_whole_units_are_rounded_away_from_zero(text: str, value: float) -> None:
    """What does not come in parts, such as bytes, is rounded up."""
    assert value == whole(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3u", 3e-06),
        ("500m", 0.5),
        ("1n", 1e-09),
        ("26m", 26 * 0.001),
        ("0.036", 36 * 0.001),
        ("1.5Ki", 1536),
        ("12345678901234567890", 12345678901234567890000000000 * 1e-09),
        ("1e34", 1e32 * 1e2),
        ("1e9999", math.inf),
        (f"-1{'0' * 400}", -math.inf),
    ],
)
def test_an_approximate_quantity_is_a_product_of_floats(text: str, value: float) -> None:
    """Nothing is rounded but the floats themselves: 26m is 0.026000000000000002 to the API's clients."""
    assert value == approximate(text)


@pytest.mark.parametrize(
    "text", ["", " ", "1 ", "Ki", "1Kii", "1KB", "1e", "1e1.5", "--1", "1,5", "0x10", "NaN", "\u0661"]
)
@pytest.mark.parametrize("read", [quantity, whole, approximate])
def test_what_is_no_quantity_is_refused(read: Callable[[str], float], text: str) -> None:
    """The error shows the text, and what would be right."""
    with pytest.raises(ValueError, match=r"^expected a quantity such as .*, got '"):
        read(text)


def test_the_error_is_short() -> None:
    """A quantity can come from an annotation, which may be 256 kB of anything."""
    with pytest.raises(ValueError, match=f"got '{'x' * 79}$"):
        quantity("x" * 250_000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63),
        ("8Ei", 2**63),
        ("16Ei", 2**63),
        ("9223372036854775807Ki", 2**63),
        ("-16Ei", -(2**63)),
        ("9.2E", 9.2e18),
        ("9.3E", 0),
        ("-9.3E", 0),
        ("10000P", 0),
        ("16029848385G", float(16029848385 * 10**9 - 2**64)),
        ("1e400", 0),
        ("16029848385e10", 0),
        ("999999999999999999k", float((10**18 - 1) * 1000 - 54 * 2**64)),
        ("12345678901234567890", float(12345678901234567890 - 2**64)),
        ("1234567890123456789e400", 0),
    ],
)
def test_what_does_not_fit_64_bits_is_read_as_by_the_apis_clients(text: str, value: float) -> None:
    """Binary quantities are capped, as is documented; decimal ones wrap around or are 0."""
    assert value == whole(text)


def test_thousandths_that_do_not_fit_64_bits_are_nothing() -> None:
    """Positive ones are read in whole units instead."""
    assert 1e16 == quantity("10P")
    assert 0 == quantity("-10P")


@pytest.mark.parametrize(("text", "value"), [("-0.1Ki", -101), ("-1.0000000000", -1), ("-1.00000000001", 0)])
def test_the_apis_clients_divide_big_negative_amounts_in_a_way_of_their_own(text: str, value: float) -> None:
    """Towards zero and one up."""
    assert value == whole(text)


@pytest.mark.parametrize(("text", "value"), [("1e999999999", 0), ("-1e999999", 0), ("1e-999999999", 0.001)])
def test_no_exponent_is_expensive(text: str, value: float) -> None:
    """Anyone who may make a pod may write one, and the integer of 1e999999 takes most of a minute."""
    assert value == quantity(text)


@pytest.mark.parametrize("digits", [1001, 250_000])
def test_no_length_is_expensive(digits: int) -> None:
    """An annotation may hold 250 kB of digits, whose integer takes seconds; nothing that fits 64 bits is as long."""
    with pytest.raises(ValueError, match="expected a quantity"):
        quantity("1" * digits)


@given(st.integers(-(10**18) + 1, 2**62))
def test_whole_numbers_are_read_as_they_are(number: int) -> None:
    """To the precision of a float."""
    assert float(number) == whole(str(number))


@given(st.decimals(-(10**9), 10**9, places=3))
def test_thousandths_are_read_as_they_are(number: Decimal) -> None:
    """The finest that the API's clients compute in."""
    assert float(number) == quantity(str(number)) == quantity(f"{number * 1000:.0f}m")
