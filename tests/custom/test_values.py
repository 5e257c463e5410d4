"""Which number and which label text a JSON value is, as kube-state-metrics reads them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.custom.values import aggregate, boolean, found, label, numeric, of_text, sample


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TRUE", 1),
        ("Yes", 1),
        ("no", 0),
        ("uNKNOWN", 0),
        ("on", None),
        ("y", None),
        ("", None),
        ("1970-01-02T00:00:00Z", 86400),
        ("1970-01-02T00:00:00.987Z", 86400),
        ("1970-01-02T00:00:00,5+24:00", 0),
        ("1970-01-02T1:00:00Z", 90000),
        ("1969-12-31T23:59:59Z", -1),
        ("0000-01-01T00:00:00Z", -62167219200),
        ("9999-12-31T23:59:59Z", 253402300799),
        ("2023-02-29T00:00:00Z", None),
        ("1970-01-02T00:00:60Z", None),
        ("1970-01-02T24:00:00Z", None),
        ("1970-01-02 00:00:00Z", None),
        ("1970-01-02t00:00:00z", None),
        ("1970-01-02", None),
        ("250m", 0.25),
        ("3m", 0.003),
        ("2Ki", 2048),
        ("1.5G", 1.5e9),
        ("7e2", 700),
        ("-.5", -0.5),
        ("1n", 1e-9),
        ("0.1n", 1e-9),
        ("32Ei", 2**63),
        ("m", None),
        ("Ki", None),
        ("-", None),
        (".", None),
        ("12%", 0.12),
        ("12.5%", None),
        ("-12%", None),
        ("12 %", None),
        ("+inf", math.inf),
        ("-Infinity", -math.inf),
        ("0x1.8p1", 3),
        ("0x18", None),
        ("12_000", 12000),
        ("1__0", None),
        ("_1", None),
        ("1e999", math.inf),
        (" 1", None),
        ("1,5", None),
        ("1h30m", None),
        ("٣", None),
    ],
)
def test_numbers_of_texts(text: str, value: float | None) -> None:
    """A text is a word, a moment, a quantity, a percentage or a float, or no number."""
    assert value == of_text(text)


def test_not_a_number() -> None:
    """NaN is a number, without a sign."""
    assert sample("nan") == "NaN"
    assert of_text("+nan") is None


@pytest.mark.parametrize(
    ("value", "number", "written", "text"),
    [
        (True, 1, "1", "true"),
        (0, 0, "0", "0"),
        (1234567, 1234567, "1.234567e+06", "1234567"),
        (0.3, 0.3, "0.3", "0.3"),
        (0.00001, 0.00001, "1e-05", "1e-05"),
        (12345678.5, 12345678.5, "1.23456785e+07", "1.23456785e+07"),
        (2**64, 2**64, "1.8446744073709552e+19", "1.8446744073709552e+19"),
        ("0.3", 0.30000000000000004, "0.30000000000000004", "0.3"),
        ("no", 0, "0", "no"),
        (None, None, None, "<nil>"),
        ([1, "a b", None, [2.5]], None, None, "[1 a b <nil> [2.5]]"),
        ({"b": {}, "a": [False]}, None, None, "map[a:[false] b:map[]]"),
    ],
)
def test_json_values(value: Any, number: float | None, written: str | None, text: str) -> None:
    """A value is a number, a sample and a label; lists, maps and null are labels only."""
    assert (number, written, text) == (numeric(value), sample(value), label(value))


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text is a number or none, and never an error."""
    assert of_text(text) is None or sample(text) is not None


ITEMS = [
    None,
    "x",
    {"size": "small", "n": 1},
    {"size": 2, "n": 2},
    {"size": "2000m", "n": 3},
    {"size": True, "n": 4},
    {"size": None, "n": 5},
]


@pytest.mark.parametrize(
    ("text", "n"), [("small", 1), ("2", 2), ("2000m", 2), ("1", 4), ("T", 4), ("Unknown", None), ("<nil>", None)]
)
def test_found(text: str, n: int | None) -> None:
    """An element is found by a text, by a number that either side may spell otherwise, or by a bool."""
    item = found(ITEMS, "size", text, of_text(text), boolean(text))

    assert n == (item and item["n"])


def test_found_unknown() -> None:
    """False finds Unknown as well, if that comes first: both are the number 0."""
    conditions = [{"status": "Unknown", "type": "Ready"}, {"status": "False", "type": "Synced"}]

    assert conditions[0] is found(conditions, "status", "False", of_text("False"), boolean("False"))
    assert None is found({"status": "False"}, "status", "False", 0.0, False)


@pytest.mark.parametrize(
    ("how", "values", "value"),
    [
        ("count", [0.0, math.nan], 2),
        ("sum", [0.1] * 10, 1),
        ("sum", [math.inf, -math.inf], math.nan),
        ("sum", [1e308, 1e308], math.inf),
        ("min", [2, 1.5], 1.5),
        ("max", [2, math.nan], math.nan),
    ],
)
def test_aggregate(how: str, values: list[float], value: float) -> None:
    """Sums are exact, and of what is no number nothing is one."""
    assert aggregate(how, values) == pytest.approx(value, rel=0, nan_ok=True)
