"""YAML as kubectl reads it; each of these values is what sigs.k8s.io/yaml 1.6 makes of the text."""

import math

import pytest

from ksm_shard.simulator.goyaml import documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("y", "Y", "yes", "On", "TRUE")),
        *((text, False) for text in ("n", "No", "off", "False")),
        *((text, None) for text in ("~", "null", "")),
        *((text, text) for text in ("yEs", "tRue", "2026-03-01", "2026-03-01T10:00:00Z", "2001-12-14 21:59:43.10 -5")),
        *((text, text) for text in ("12:30", "190:20:30", "1:2", "=", "1.2.3", "0x", "1e", "abc", "1a", "0b2", "+-1")),
        *((f"'{text}'", text) for text in ("yes", "1", "~")),
        ("1_000", 1000),
        ("0777", 511),
        ("0o17", 15),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("+7", 7),
        ("18446744073709551615", 18446744073709551615),
        ("1e3", 1000),
        ("1.0", 1),
        (".5", 0.5),
        ("-1.5E-1", -0.15),
        ("!!str 1", "1"),
        ("!!timestamp 2026-03-01", "2026-03-01"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    """Booleans of YAML 1.1, Go's numbers, and texts for times and base 60."""
    ((found),) = documents(f"a: {text}\n")

    assert (found, type(found["a"])) == ({"a": value}, type(value))


def test_large() -> None:
    """What no 64 bits hold is a float."""
    ((found),) = documents("a: 99999999999999999999999\n")

    assert isinstance(found["a"], float)
    assert math.isclose(found["a"], 1e23)


def test_keys() -> None:
    """Every key is a text, as JSON has no others; a merge key is a merge."""
    ((found),) = documents("{on: 1, 2: 3, 1.5: 4, x: &x {a: b}, y: {<<: *x}}\n")

    assert found == {"true": {"a": "b"}, "2": 3, "1.5": 4, "x": {"a": "b"}}
