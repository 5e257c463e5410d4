"""Flags that leave out what nobody uses. Excludes finding who uses a family (test_given.py)."""

import shlex
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.assembly import enabled
from ksm_shard.audit.advice import flags, patterns
from ksm_shard.audit.catalogue import families
from ksm_shard.audit.expressions import Expression, Expressions
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings.parser import parse
from tests.commands.test_check import fleet

NAMES = sorted(families())


@given(st.sets(st.sampled_from(NAMES), min_size=1, max_size=40), st.booleans())
def test_the_flags_leave_exactly_what_is_used(used: set[str], all_are_exported: bool) -> None:
    """As `run` takes them: every used family is on, and no other one that was exported."""
    exported = NAMES if all_are_exported else sorted(used | set(NAMES[::3]))
    users = {name: [Expression("x", name)] for name in used}

    settings = parse([word for flag in flags(exported, users) for word in shlex.split(flag)], {})

    filters = Filters(deny=settings.metric_denylist, opt_in=(".*",))
    exporter = enabled(settings) if settings.resources else [families()[name][0] for name in exported]
    on = {family.name for resource in exporter for family in filters.on(resource.families)}
    assert used == on & set(exported)


@given(st.sets(st.sampled_from([*NAMES, "up", "kube", "kube_pod", "node_info"]), min_size=1))
def test_patterns_match_these_names_only(names: set[str]) -> None:
    """Of all names there are."""
    made = [families()[name][1] for name in NAMES]

    assert names & set(NAMES) == set(NAMES) - {family.name for family in Filters(deny=patterns(names)).on(made)} - {
        family.name for family in made if family.opt_in and family.name not in names
    }


def test_keys_of_an_allowlist_that_nobody_reads() -> None:
    """A shard tells which keys are allowed; those with a wildcard stay, for what they show is not known."""
    report = replace(
        fleet(1)[0], filters={"metric-labels-allowlist": {"pods": ["app.kubernetes.io/name", "team", "x-*"]}}
    )
    used = Expressions([Expression("x", "sum by (label_team) (kube_pod_labels)")])
    users = used.of(["kube_pod_labels"])

    assert ["--metric-labels-allowlist='pods=[team,x-*]'"] == flags(["kube_pod_labels"], users, [report])


def test_there_is_no_advice_where_all_is_used() -> None:
    """No flag is better than one without effect."""
    assert [] == flags(["kube_pod_info"], {"kube_pod_info": [Expression("x", "kube_pod_info")]})
