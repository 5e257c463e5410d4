"""ECMAScript's regular expressions. What each matches is what kube-state-metrics 2.20's own engine said of these names."""

import re

import pytest

from ksm_shard.metrics.patterns import compiled

NAMES = ("kube_pod_info", "kube_pod_", "kube_node_info", "]a", "koo", "b&&a")


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("(?<n>pod)", "kube_pod_info kube_pod_"),
        (r"(?<n>o)\k<n>", "koo"),
        ("kube_pod_[^]", "kube_pod_info"),
        ("kube_pod_[]", ""),
        ("x[]|info", "kube_pod_info kube_node_info"),
        ("[^]a]", ""),
        ("[[a]", "]a b&&a"),
        ("[^[]a", "]a b&&a"),
        (r"[\]]", "]a"),
        (r"\[info", ""),
        (r"\\[a]", ""),
        ("[a&&b]", "kube_pod_info kube_pod_ kube_node_info ]a b&&a"),
        ("[&|~]", "b&&a"),
        (r"[\d_]+info", "kube_pod_info kube_node_info"),
        ("(?<!kube_)pod", ""),
        ("(?<!pod_)(?<!x)info", "kube_node_info"),
        ("(?<=pod_)info", "kube_pod_info"),
        ("^kube_(?!pod)", "kube_node_info"),
        (r"\u006b\x75", "kube_pod_info kube_pod_ kube_node_info"),
        ("(?i)POD", "kube_pod_info kube_pod_"),
        ("kube_pod{", ""),
        ("(?P<n>pod)", "kube_pod_info kube_pod_"),
    ],
)
def test_a_pattern_matches_as_in_the_reference(pattern: str, matched: str) -> None:
    """But for the last, which is Python's own. Python warns of none of them."""
    assert matched.split() == [name for name in NAMES if compiled(pattern).search(name)]


@pytest.mark.parametrize("pattern", ["kube_(", "[a", "(?<n>a)|(?<n>b)", "[b-a]", r"\k<n>", "(?<!a|bc)pod"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    """As is a lookbehind of several lengths, which Python has not."""
    with pytest.raises(re.error):
        compiled(pattern)
