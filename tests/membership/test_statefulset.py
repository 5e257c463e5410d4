"""How the pods of a StatefulSet are asked for. What becomes of them is in tests/sharding, with real processes in tests/e2e."""

from typing import Any

import pytest

from ksm_shard.membership.statefulset import qualified, selector_of
from ksm_shard.membership.watches import WatchHealth
from ksm_shard.sharding.state import State
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


def test_an_operator_that_there_is_not_is_an_error() -> None:
    """Rather that than the wrong pods."""
    with pytest.raises(ValueError, match="got 'Near'"):
        selector_of({"matchExpressions": [{"key": "a", "operator": "Near"}]})
