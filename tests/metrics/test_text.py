"""Numbers as Go's strconv writes them with format g and the shortest digits, and label values escaped."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.metrics.text import escape, number

# As Go printed them: plain digits for exponents from -4 to 5, and at least two digits of exponent besides.
NUMBERS = [
    (0, "0"),
    (-0.0, "0"),
    (1, "1"),
    (-1, "-1"),
    (True, "1"),
    (False, "0"),
    (1.0, "1"),
    (-2.0, "-2"),
    (4095, "4095"),
    (4096, "4096"),
    (4096.0, "4096"),
    (4096.5, "4096.5"),
    (99999, "99999"),
    (123456, "123456"),
    (-123456, "-123456"),
    (999999, "999999"),
    (1000000, "1e+06"),
    (-1000000, "-1e+06"),
    (1000000.0, "1e+06"),
    (1000001, "1.000001e+06"),
    (1234567.5, "1.2345675e+06"),
    (1714979289, "1.714979289e+09"),
    (1714979289.0, "1.714979289e+09"),
    (1717200000, "1.7172e+09"),
    (2**31 - 1, "2.147483647e+09"),
    (10**9 + 1, "1.000000001e+09"),
    (5 * 10**9, "5e+09"),
    (10**10 - 1, "9.999999999e+09"),
    (10**10 + 1, "1.0000000001e+10"),
    (2**53, "9.007199254740992e+15"),
    (2**53 + 1, "9.007199254740992e+15"),
    (-(2**53) - 1, "-9.007199254740992e+15"),
    (2**63, "9.223372036854776e+18"),
    (10**21, "1e+21"),
    (1e100, "1e+100"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (5e-324, "5e-324"),
    (-62135596800, "-6.21355968e+10"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (-0.25, "-0.25"),
    (0.1 + 0.2, "0.30000000000000004"),
    (100000.5, "100000.5"),
    (999999.5, "999999.5"),
    (0.001, "0.001"),
    (0.0001, "0.0001"),
    (0.00012, "0.00012"),
    (0.00001, "1e-05"),
    (-0.000012, "-1.2e-05"),
    (1e-10, "1e-10"),
    (math.inf, "+Inf"),
    (-math.inf, "-Inf"),
    (math.nan, "NaN"),
]


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_a_number_is_written_as_go_does(value: float, text: str) -> None:
    """What stands in a scrape is what kube-state-metrics would write, byte for byte; -0 is its only 0 that is not Go's."""
    assert text == number(value)


@given(st.floats())
def test_a_number_reads_back_as_the_same_float(value: float) -> None:
    """No digit is lost."""
    again = float(number(value))

    assert again == value or (math.isnan(again) and math.isnan(value))


@given(st.integers())
def test_a_whole_number_is_written_as_its_float(value: int) -> None:
    """Samples are floats, whatever a family returns."""
    try:
        expected = number(float(value))
    except OverflowError:
        return

    assert expected == number(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_as_short_as_can_be(value: float) -> None:
    """No leading, trailing or missing digit."""
    assert re.fullmatch(r"-?(0|[1-9]\d{0,5}|(0|[1-9]\d{0,5})\.\d*[1-9]|[1-9](\.\d*[1-9])?e[+-]\d{2,3})", number(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("plain \u00e9\u2028\t\r\x00", "plain \u00e9\u2028\t\r\x00"),
        ('say "no"', r"say \"no\""),
        ("C:\\n", r"C:\\n"),
        ("two\nlines", r"two\nlines"),
        ('\\"\n', r"\\\"\n"),
    ],
)
def test_quotes_backslashes_and_newlines_are_escaped(value: str, text: str) -> None:
    """Those three, and nothing else (Prometheus, "Exposition formats")."""
    assert text == escape(value)


@given(st.text(alphabet='a\\n"\n') | st.text())
def test_an_escaped_value_reads_back(value: str) -> None:
    """Nor does any raw quote or newline end it early."""
    text = escape(value)

    assert re.fullmatch(r'([^\\"\n]|\\[\\"n])*', text)
    assert value == re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)
