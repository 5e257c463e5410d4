"""Which keys of labels and annotations are shown for a resource.

How patterns match keys is in test_labels, which of them have no effect in tests/test_assembly.py.
"""

import pytest

from ksm_shard.metrics.allowlists import patterns_for


@pytest.mark.parametrize(
    ("allowlist", "patterns"),
    [
        ({}, ()),
        ({"nodes": ["a"]}, ()),
        ({"pods": ["a", "b*"]}, ("a", "b*")),
        ({"pods": []}, ()),
        ({"*": ["c"]}, ("c",)),
        ({"*": ["c"], "pods": ["a"]}, ("c",)),
    ],
)
def test_patterns_are_those_of_the_resource(allowlist: dict[str, list[str]], patterns: tuple[str, ...]) -> None:
    """Or those of `*`, which stands for every resource and wins, as in kube-state-metrics."""
    assert patterns == patterns_for(allowlist, "pods")
