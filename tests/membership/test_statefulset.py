"""How the pods of a StatefulSet are asked for. What becomes of them is in tests/sharding, with real processes in tests/e2e."""

from typing import Any

import pytest

from ksm_shard.cluster.client import connect
from ksm_shard.membership.selfcheck import Needs
from ksm_shard.membership.statefulset import StatefulSetMembership, qualified, selector_of
from ksm_shard.membership.watches import WatchHealth
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.state import State
from ksm_shard.status.setup import SetupCheck
from tests.membership.test_watches import Reflector


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, ""),
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        (
            {
                "matchLabels": {"a": "1"},
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["x", "y"]},
                    {"key": "track", "operator": "NotIn", "values": ["canary"]},
                    {"key": "app", "operator": "Exists"},
                    {"key": "old", "operator": "DoesNotExist"},
                ],
            },
            "a=1,tier in (x,y),track notin (canary),app,!old",
        ),
    ],
)
def test_a_selector_is_written_as_queries_have_it(selector: dict[str, Any], expected: str) -> None:
    """A selector by expressions alone would otherwise have been all pods of the namespace."""
    assert expected == selector_of(selector)


@pytest.mark.parametrize("unready", ["", "9 slots are not loaded"])
def test_a_deaf_pod_must_not_be_counted_on(unready: str) -> None:
    """A watch that says nothing for long makes a pod unready, one that was refused just now is but a problem."""
    well, refused, silent = (
        WatchHealth("pods", Reflector(state, last, "403"), lambda: 1000.0)
        for state, last in [("watching", 990), ("forbidden", 990), ("waiting", 800)]
    )
    deaf = "the pods cannot be watched: nothing was heard for 150 s"

    problems = {
        name: (after.problem, after.unready)
        for name, heard in {"well": (well, well), "refused": (well, refused), "silent": (silent, well)}.items()
        for after in [qualified(State(unready=unready), heard)]
    }

    assert problems == {
        "well": ("", unready),
        "refused": ("the pods cannot be read: 403", unready),
        "silent": (deaf, deaf),
    }


def test_other_periods_come_into_force() -> None:
    """What is wrong with the own pod is judged by them as well, whose probes and grace period were read once."""
    server, ownership = connect("http://127.0.0.1:1"), Ownership(MMH3)
    membership = StatefulSetMembership(server, ownership, "ksm-0", "n", Needs(45.0, 85.0, (8080,)))
    probe = {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 5, "failureThreshold": 3}
    membership._own = {"spec": {"terminationGracePeriodSeconds": 90, "containers": [{"readinessProbe": probe}]}}
    before = membership.setup()

    membership.adjust(Needs(20.0, 100.0, (8080,)))

    assert {} == before
    assert {SetupCheck.READINESS_PROBE, SetupCheck.GRACE_PERIOD} == membership.setup().keys()
    assert 20.0 == membership._member.handover


def test_an_operator_that_there_is_not_is_an_error() -> None:
    """Rather that than the wrong pods."""
    with pytest.raises(ValueError, match="got 'Near'"):
        selector_of({"matchExpressions": [{"key": "a", "operator": "Near"}]})
