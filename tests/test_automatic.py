"""How the pods of a StatefulSet are asked for. What becomes of them is in tests/sharding, with real processes in tests/e2e."""

from typing import Any

import pytest

from ksm_shard.automatic import selector_of


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


def test_an_operator_that_there_is_not_is_an_error() -> None:
    """Rather that than the wrong pods."""
    with pytest.raises(ValueError, match="got 'Near'"):
        selector_of({"matchExpressions": [{"key": "a", "operator": "Near"}]})
