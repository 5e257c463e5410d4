"""Reading the text format. Excludes where it comes from (test_sources.py)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ksm_shard.audit.exposition import Header, Sample, UnreadableError, read

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)


def escaped(value: str) -> str:
    """Write a label value as exporters do."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def line(labels: dict[str, str], name: str = "m") -> str:
    """Return a sample of these labels, in their order."""
    return name + "{" + ",".join(f'{key}="{escaped(value)}"' for key, value in labels.items()) + "} 1\n"


def sample(text: str) -> Sample:
    """Read one sample."""
    (found,) = read([text.encode()], "x")
    assert isinstance(found, Sample)
    return found


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_labels_are_read_as_prometheus_client_reads_them(labels: dict[str, str]) -> None:
    """Whatever their values contain; empty ones are none."""
    ((theirs,),) = [family.samples for family in text_string_to_metric_families(line(labels))]

    assert {key: value for key, value in theirs.labels.items() if value} == sample(line(labels)).labels()


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.randoms())
def test_the_order_of_labels_makes_no_other_series(labels: dict[str, str], chance: object) -> None:
    """Labels are a set, and an empty one counts as absent."""
    items = list(labels.items())
    chance.shuffle(items)  # type: ignore[attr-defined]

    assert sample(line(labels)).series == sample(line(dict(items) | {"empty": ""})).series
    assert sample(line(labels)).series != sample(line({**labels, "one": "more"})).series


@pytest.mark.parametrize(
    ("text", "value", "stamped"),
    [
        ("m 1", 1.0, False),
        ("m{} 1", 1.0, False),
        ('m{a="b",} 1.5e+09', 1.5e9, False),
        ("m\t-5e-3 1700000000000", -0.005, True),
        ('m{a="}, \\" {"} +Inf', math.inf, False),
        ("m:rate 0.5\r\n", 0.5, False),
        ("m .5", 0.5, False),
    ],
)
def test_samples(text: str, value: float, stamped: bool) -> None:
    """Each form that Prometheus reads."""
    found = sample(text)

    assert (value, stamped) == (found.value, found.stamped)


def test_a_family_without_samples_is_known_by_its_type() -> None:
    """Comments and empty lines say nothing."""
    lines = [b"# HELP m {odd} 1\n", b"# TYPE m gauge\n", b"\n", b"# m 1\n", b"# EOF\n"]

    assert [Header(b"m", "gauge")] == list(read(lines, "x"))


@pytest.mark.parametrize(
    "text",
    [
        "<!doctype html>",
        "m",
        'm{a="b} 1',
        "m{a=b} 1",
        'm{a="b" c="d"} 1',
        "m one",
        "m 1 2 3",
        "1m 1",
        "m 1_0",
        "m infinity",
    ],
)
def test_what_is_no_sample_is_an_error_with_its_place(text: str) -> None:
    """One line that names source, line and text."""
    with pytest.raises(UnreadableError, match=r"^x:2: not a sample of the text format: '") as caught:
        list(read([b"m 1\n", text.encode()], "x"))

    assert "\n" not in str(caught.value)
