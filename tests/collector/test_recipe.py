"""Which collectors differ when settings do; whatever they say, collectors of equal recipes ask and write the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.assembly import Recipes
from ksm_shard.collector.recipe import Recipe, changes
from ksm_shard.collector.targets import targets
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Served, resolve
from ksm_shard.settings import parse
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership

OWNERSHIP = Ownership(MMH3)
THREE = "configmaps,nodes,pods"
FILE = """
spec:
  resources:
  - groupVersionKind: {group: example.org, version: v1, kind: Pot}
    metrics: [{name: litres, each: {type: Gauge, gauge: {path: [spec, litres]}}}]
"""


def recipes(*flags: str) -> list[Recipe]:
    """Return the recipes that flags ask for; of config maps, nodes and pods unless one of them names resources."""
    argv = flags if "--resources" in flags[:1] else ("--resources", THREE, *flags)
    return Recipes(parse(argv, {}), OWNERSHIP).builtin()


def custom(*flags: str) -> Recipe | None:
    """Return the recipe of a custom resource."""
    (followed,) = resolve(read(FILE)[0], [Served("example.org", "v1", "Pot", "pots")])
    return Recipes(parse(flags, {}), OWNERSHIP).custom(followed)


@pytest.mark.parametrize(
    ("flags", "differ"),
    [
        (f"--resources {THREE},leases", {"leases"}),
        ("--resources pods", set()),
        ("--namespaces=a,b", {"configmaps", "pods"}),
        ("--namespaces-denylist=a", {"configmaps", "pods"}),
        ("--track-unscheduled-pods", {"pods"}),
        ("--metric-denylist=kube_pod_info", {"pods"}),
        ("--metric-denylist=kube_pod", set()),
        ("--metric-denylist=nothing", set()),
        ("--metric-opt-in-list=kube_pod_nodeselectors", {"pods"}),
        ("--metric-labels-allowlist=pods=[app]", {"pods"}),
        ("--metric-annotations-allowlist=*=[app]", {"configmaps", "nodes", "pods"}),
        ("--metric-labels-allowlist=leases=[app]", set()),
        ("--object-limit=5", {"configmaps", "nodes", "pods"}),
        ("--use-apiserver-cache", {"configmaps", "nodes", "pods"}),
        ("--handover-period=3m", set()),
        ("--v=4", set()),
    ],
)
def test_only_what_differs_is_made_anew(flags: str, differ: set[str]) -> None:
    """A flag concerns the resources whose requests or families it changes, and no others."""
    exported = {one.name: one for one in recipes()}

    assert differ == changes(recipes(*flags.split()), exported, {}).made


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("--namespaces=a,b", "--namespaces=b,a,b"),
        ("--metric-denylist=kube_pod_info", "--metric-denylist=^kube_pod_info$"),
        ("--metric-labels-allowlist=*=[a]", "--metric-labels-allowlist=pods=[a],nodes=[a],configmaps=[a]"),
    ],
)
def test_other_words_for_the_same_change_nothing(earlier: str, later: str) -> None:
    """Compared is what the settings come to."""
    what = changes(recipes(later), {one.name: one for one in recipes(earlier)}, {})

    assert (set(), {"configmaps", "nodes", "pods"}) == (what.made, what.kept)


def test_custom_resources() -> None:
    """An entry that is read again is the same; filters and namespaces concern custom resources too."""
    assert custom() == custom()
    assert custom() != custom("--namespaces=a")
    assert None is custom("--metric-denylist=litres")


def test_a_change_that_is_taken_back() -> None:
    """What scrapes show stays, and what loads beside it ends; a second change of one that loads replaces that one."""
    (one,), (two,), (three,) = (recipes("--resources", "pods", f"--object-limit={number}") for number in (1, 2, 3))
    exported, loading = {"pods": one}, {"pods": two}

    assert {"pods"} == changes([one], exported, loading).kept
    assert {"pods"} == changes([two], exported, loading).awaited
    assert {"pods"} == changes([three], exported, loading).made


NAMES = st.lists(st.sampled_from("abc"), max_size=3)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_equal_scopes_make_equal_requests(
    mine: tuple[list[str], list[str]], theirs: tuple[list[str], list[str]]
) -> None:
    """Whatever namespaces are allowed and denied, a collector that is kept asks for what a new one would."""

    def asked(found: list[Recipe]) -> list[Any]:
        return [
            sorted((target.path, str(target.selectors())) for target in targets(one.resource, one.scope))
            for one in found
        ]

    one, other = (
        recipes(f"--namespaces={','.join(allowed)}", f"--namespaces-denylist={','.join(denied)}")
        for allowed, denied in (mine, theirs)
    )

    same = [first == second for first, second in zip(one, other, strict=True)]
    assert all(not kept or first == second for kept, first, second in zip(same, asked(one), asked(other), strict=True))
