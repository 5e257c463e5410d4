"""Kubernetes keys become label names, and allowlists pick keys."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.metrics.labels import label_name, labels_of, picker

KEYS = {"app": "shop", "app.kubernetes.io/name": "web", "team-a": "", "tier": "front"}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("app", "label_app"),
        ("app.kubernetes.io/name", "label_app_kubernetes_io_name"),
        ("camelCase", "label_camel_case"),
        ("UPPER", "label_upper"),
        ("HTTPServer", "label_httpserver"),
        ("gpu0Type", "label_gpu0_type"),
        ("team-a", "label_team_a"),
        ("1st", "label_1st"),
        ("a__b", "label_a__b"),
        ("schön", "label_sch_n"),
        ("", "label_"),
    ],
)
def test_a_key_becomes_a_label_name(key: str, name: str) -> None:
    """In snake case, each character that a label name cannot have as `_`."""
    assert name == label_name("label", key)


def test_labels_are_sorted_by_key() -> None:
    """Two scrapes of one object are the same text, though a map has no order."""
    assert [("label_a", "1"), ("label_b", "2"), ("label_c", "3")] == labels_of(
        "label", {"c": "3", "a": "1", "b": "2"}.items()
    )


def test_keys_of_one_name_are_told_apart() -> None:
    """All of them get a number, in the order of the keys; others keep their names."""
    pairs = {"a.b": "dot", "a-b": "hyphen", "a/b": "slash", "other": "x"}.items()

    assert [
        ("label_a_b_conflict1", "hyphen"),
        ("label_a_b_conflict2", "dot"),
        ("label_a_b_conflict3", "slash"),
        ("label_other", "x"),
    ] == labels_of("label", pairs)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (["a-b", "a.b", "a_b_conflict1"], ["a_b_conflict1_conflict1", "a_b_conflict2", "a_b_conflict1_conflict2"]),
        (["a.b", "a.b_conflict2", "a/b"], ["a_b_conflict1", "a_b_conflict2", "a_b_conflict3"]),
        (["A_conflict1", "a-", "a."], ["a_conflict1", "a__conflict1", "a__conflict2"]),
        (["a.b-conflict1", "a_b", "a_b.conflict1"], ["a_b_conflict1_conflict1", "a_b", "a_b_conflict1_conflict2"]),
    ],
)
def test_a_suffix_skips_names_that_are_taken(keys: list[str], names: list[str]) -> None:
    """A key may be called as another one would be after it got its number."""
    pairs = labels_of("label", [(key, key) for key in keys])

    assert [(f"label_{name}", key) for name, key in zip(names, keys, strict=True)] == pairs


COLLIDING = st.sampled_from(
    [f"a{sign}b{more}" for sign in "-._" for more in ("", "_conflict1", ".conflict2", "_conflict1-conflict1")]
)


@given(st.dictionaries(COLLIDING | st.text(alphabet="aB._-/1") | st.text(), st.text(), max_size=12))
def test_any_keys_become_valid_names(mapping: dict[str, str]) -> None:
    """No key is lost, no name appears twice, and none is one that Prometheus refuses."""
    pairs = labels_of("label", mapping.items())

    assert len({name for name, _ in pairs}) == len(mapping)
    assert all(re.fullmatch("label_[a-z0-9_]*", name) for name, _ in pairs)
    assert Counter(mapping.values()) == Counter(value for _, value in pairs)


@pytest.mark.parametrize(
    ("patterns", "keys"),
    [
        ([], []),
        (["app"], ["app"]),
        (["app", "gone"], ["app"]),
        (["APP"], []),
        (["*"], [*KEYS]),
        (["*", "app"], [*KEYS]),
        (["app", "*"], ["app"]),
        (["tier*", "*"], ["tier"]),
        (["app*"], ["app", "app.kubernetes.io/name"]),
        (["*/name"], ["app.kubernetes.io/name"]),
        (["app.*/name", "tier"], ["app.kubernetes.io/name", "tier"]),
        (["team-a*a"], []),
        (["t.er"], []),
    ],
)
def test_patterns_pick_keys(patterns: list[str], keys: list[str]) -> None:
    """A pattern is a key or has one `*`, whose two sides may not overlap; it is no regular expression.

    `*` alone counts as the first pattern only.
    """
    assert keys == [key for key, _ in picker(patterns)(KEYS)]


def test_a_picked_key_keeps_its_value() -> None:
    """An empty one too."""
    assert [("team-a", "")] == list(picker(["team-a"])(KEYS)) == list(picker(["team-*"])(KEYS))
