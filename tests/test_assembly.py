"""What the settings come to: the resources that are followed, and what a user is told who asked for nothing in vain.

How patterns match is in tests/metrics; that a process obeys is in tests/e2e/test_objects.py.
"""

import pytest

from ksm_shard.assembly import chosen, divided, enabled, scope_of, surprises
from ksm_shard.kinds import resources
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings import parse
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ranges import SERVER_SIDE

NOTHING = "nothing is exported: no family of any enabled resource is on"
NOT_OPTED_IN = "only opt-in families, which --metric-opt-in-list has to name too"


def told(*flags: str) -> tuple[list[str], list[str], list[str]]:
    """Return the resources that these flags have followed, those that they have not, and what is said at the start."""
    settings = parse(flags, {})
    filters = Filters(settings.metric_allowlist, settings.metric_denylist, settings.metric_opt_in_list)
    asked = enabled(settings)
    followed, idle = divided(asked, filters)
    return [one.plural for one in followed], [one.plural for one in idle], surprises(settings, filters, asked)


def test_without_flags_the_defaults_are_followed() -> None:
    """And there is nothing to say."""
    defaults = [plural for plural, resource in resources().items() if resource.default]

    assert (defaults, [], []) == told()


@pytest.mark.parametrize(
    ("flags", "followed", "idle"),
    [
        (["--resources=pods,nodes"], ["nodes", "pods"], []),
        (["--resources=pods,nodes", "--metric-allowlist=kube_pod_info"], ["pods"], ["nodes"]),
        (["--resources=pods,nodes", "--metric-denylist=kube_pod"], ["nodes"], ["pods"]),
        (["--resources=pods,ingressclasses", "--metric-allowlist=kube_(pod|ingressclass)_info"],
         ["ingressclasses", "pods"], []),
    ],
)  # fmt: skip
def test_a_resource_without_a_family_is_not_followed(flags: list[str], followed: list[str], idle: list[str]) -> None:
    """Listing, storing and waiting for it would be for nothing, and is no surprise to who named the families."""
    assert (followed, idle, []) == told(*flags)


@pytest.mark.parametrize(
    ("flags", "lines"),
    [
        (["--metric-denylist=kube_pods"],
         ["--metric-denylist: kube_pods matches no family of the enabled resources"]),
        (["--metric-opt-in-list=kube_pod_info"],
         ["--metric-opt-in-list: kube_pod_info matches no opt-in family: docs/metrics.md marks those"]),
        (["--metric-allowlist=kube_pod_nodeselectors"],
         [f"--metric-allowlist: kube_pod_nodeselectors matches {NOT_OPTED_IN}", NOTHING]),
        (["--metric-allowlist=kube_pod_nodeselectors", "--metric-opt-in-list=kube_pod_nodeselectors"], []),
        (["--metric-denylist=.*"], [NOTHING]),
        (["--metric-labels-allowlist=podz=[app]"],
         ["--metric-labels-allowlist: podz is not among the enabled resources"]),
        (["--metric-labels-allowlist=leases=[app]"],
         ["--metric-labels-allowlist: leases has no family of labels"]),
        (["--metric-annotations-allowlist=volumeattachments=[app]"],
         ["--metric-annotations-allowlist: volumeattachments has no family of annotations"]),
        (["--metric-labels-allowlist=pods=[app]", "--metric-denylist=kube_pod_labels"],
         ["--metric-labels-allowlist: pods=[...] has no effect, as kube_pod_labels is off"]),
        (["--metric-labels-allowlist=*=[app],pods=[x],leases=[y]"],
         ["--metric-labels-allowlist: pods=[...] has no effect beside *=[...]",
          "--metric-labels-allowlist: leases=[...] has no effect beside *=[...]"]),
        (["--metric-labels-allowlist=pods=[app,*]"],
         ["--metric-labels-allowlist: the * of pods is ignored, because it is not the first key"]),
        (["--metric-labels-allowlist=pods=[*,app]"], []),
        (["--metric-labels-allowlist=*=[app]", "--metric-denylist=_labels$"],
         ["--metric-labels-allowlist: *=[...] has no effect, as no family of labels is on"]),
        (["--metric-labels-allowlist=*=[app]", "--metric-annotations-allowlist=pods=[a]"], []),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_told(flags: list[str], lines: list[str]) -> None:
    """A line with the flag, for whatever a user wrote that changes nothing; an exporter of nothing says so."""
    assert lines == told(*flags)[2]


def test_the_scope_is_what_the_flags_say() -> None:
    """Every option of objects has its place in it, under its own value."""
    flags = [
        "--namespaces=a,b", "--namespaces-denylist=c", "--node=n,m", "--track-unscheduled-pods",
        "--use-apiserver-cache", "--object-limit=7",
    ]  # fmt: skip
    scope = scope_of(parse(flags, {}), Ownership(MMH3))

    assert (("a", "b"), ("c",), ("n", "m")) == (scope.namespaces, scope.namespaces_denylist, scope.nodes)
    assert (True, True, 7) == (scope.unscheduled_pods, scope.from_cache, scope.object_limit)
    assert "" == scope.shard_selector()


def test_only_server_side_sharding_sends_a_selector() -> None:
    """It is made of the slots that are held when it is asked for."""
    ownership = Ownership(SERVER_SIDE, SERVER_SIDE.mask(0, 2))
    scope = scope_of(parse(["--sharding-mode=server-side"], {}), ownership)
    before = scope.shard_selector()
    ownership.change(SERVER_SIDE.mask(1, 2))

    assert before.startswith("shardRange(object.metadata.uid, ")
    assert before != scope.shard_selector()


def test_a_report_tells_what_decides_which_series_there_are() -> None:
    """Flags of other sections, and those that are as always, are nobody's reason for a missing series."""
    flags = ["--metric-denylist=kube_pod_.*", "--namespaces=a,b", "--metric-labels-allowlist=pods=[app]", "--port=1"]

    assert {
        "namespaces": ("a", "b"),
        "metric-denylist": ("kube_pod_.*",),
        "metric-labels-allowlist": {"pods": ("app",)},
    } == chosen(parse(flags, {}))
