"""Which families are on. The names of real families are not in scope: they are docs/metrics.md."""

import pytest

from ksm_shard.metrics.families import STABLE, Family
from ksm_shard.metrics.filters import Filters


def family(name: str, *, opt_in: bool = False) -> Family:
    """Declare a family of which only the name matters."""
    return Family(name, "Text.", STABLE, "value", lambda thing: None, opt_in=opt_in)


FAMILIES = [
    family("kube_pod_info"),
    family("kube_pod_labels"),
    family("kube_node_info"),
    family("kube_pod_ips", opt_in=True),
]


@pytest.mark.parametrize(
    ("lists", "names"),
    [
        ({}, "kube_pod_info kube_pod_labels kube_node_info"),
        ({"allow": ["kube_pod_info"]}, "kube_pod_info"),
        ({"allow": ["kube_pod_.*"]}, "kube_pod_info kube_pod_labels"),
        ({"allow": ["_info$", "labels"]}, "kube_pod_info kube_pod_labels kube_node_info"),
        ({"allow": ["^pod"]}, ""),
        ({"deny": ["kube_pod_info"]}, "kube_pod_labels kube_node_info"),
        ({"deny": ["pod"]}, "kube_node_info"),
        ({"deny": ["nothing"]}, "kube_pod_info kube_pod_labels kube_node_info"),
        ({"opt_in": ["kube_pod_ips"]}, "kube_pod_info kube_pod_labels kube_node_info kube_pod_ips"),
        ({"opt_in": ["kube_pod_.*"], "deny": ["ips"]}, "kube_pod_info kube_pod_labels kube_node_info"),
        ({"opt_in": ["kube_pod_ips"], "allow": ["kube_node_info"]}, "kube_node_info"),
        ({"allow": ["kube_pod_ips"]}, ""),
        ({"opt_in": ["kube_pod_ips"], "allow": ["kube_pod_i"]}, "kube_pod_info kube_pod_ips"),
    ],
)
def test_lists_choose_families(lists: dict[str, list[str]], names: str) -> None:
    """Patterns match anywhere in a name; an opt-in family needs its own list, and passes the others besides."""
    assert names.split() == [one.name for one in Filters(**lists).on(FAMILIES)]


def test_allowing_and_denying_exclude_each_other() -> None:
    """Which of them would win is nothing to guess."""
    with pytest.raises(
        ValueError, match="--metric-allowlist and --metric-denylist exclude each other: give one of them"
    ):
        Filters(allow=["a"], deny=["b"])


@pytest.mark.parametrize(
    ("lists", "flag"),
    [
        ({"allow": ["kube_("]}, "--metric-allowlist"),
        ({"deny": ["kube_("]}, "--metric-denylist"),
        ({"opt_in": ["kube_("]}, "--metric-opt-in-list"),
    ],
)
def test_a_pattern_that_is_none_is_refused(lists: dict[str, list[str]], flag: str) -> None:
    """The error names the flag, the pattern, and what is wrong with it."""
    with pytest.raises(ValueError, match=rf"^{flag}: 'kube_\(' is neither a name nor a regular expression: missing \)"):
        Filters(**lists)


def test_a_pattern_that_matches_nothing_is_told() -> None:
    """A line for each, with its flag; a misspelt deny would otherwise go unnoticed."""
    filters = Filters(deny=["kube_node", "kube_pods"], opt_in=["kube_pod_ips", "kube_x"])

    assert [
        "--metric-denylist: kube_pods matches no family of the enabled resources",
        "--metric-opt-in-list: kube_x matches no family of the enabled resources",
    ] == filters.without_effect(FAMILIES)
    assert [] == Filters(allow=["info"]).without_effect(FAMILIES)
    assert [] == Filters(allow=["kube_pod"], opt_in=["kube_pod"]).without_effect(FAMILIES)


@pytest.mark.parametrize(
    ("lists", "line"),
    [
        ({"allow": ["kube_pod_ips", "info"]},
         "--metric-allowlist: kube_pod_ips matches only opt-in families, which --metric-opt-in-list has to name too"),
        ({"opt_in": ["kube_pod_info"]},
         "--metric-opt-in-list: kube_pod_info matches no opt-in family: docs/metrics.md marks those"),
        ({"opt_in": ["ips"], "deny": ["kube_pod"]},
         "--metric-opt-in-list: ips matches only families that --metric-denylist names"),
        ({"opt_in": ["ips"], "allow": ["info"]},
         "--metric-opt-in-list: ips matches only families that --metric-allowlist leaves out"),
    ],
)  # fmt: skip
def test_a_pattern_whose_families_stay_as_they_are_is_told(lists: dict[str, list[str]], line: str) -> None:
    """It matches, and still does nothing: another list, or the lack of one, decides."""
    assert [line] == Filters(**lists).without_effect(FAMILIES)


def test_a_pattern_is_told_as_it_was_written() -> None:
    """Whoever looks for it in a manifest finds it there."""
    assert ["--metric-denylist: (?<a>kube_x) matches no family of the enabled resources"] == Filters(
        deny=["(?<a>kube_x)"]
    ).without_effect(FAMILIES)
