"""Whether what was heard of the StatefulSet and its pods can be relied on. What is made of that: tests/sharding, tests/e2e."""

import pytest

from ksm_shard.siblings import Heard, Pods, Versions


class Follower:
    """A follower whose state is written by the test."""

    def __init__(self, state: str, last_event: float | None, last_error: str = "") -> None:
        self.state, self.last_event, self.last_error = state, last_event, last_error
        self.asked: list[str] = []

    def relist_soon(self, reason: str) -> None:
        """Note that a list is wanted."""
        self.asked.append(reason)


@pytest.mark.parametrize(
    ("follower", "problem", "asked"),
    [
        (Follower("starting", None), "", []),
        (Follower("listing", None), "", []),
        (Follower("waiting", None, "no route"), "the pods cannot be read: no route", []),
        (Follower("forbidden", 999, "403"), "the pods cannot be read: 403", []),
        (Follower("watching", 910), "", []),
        (Follower("watching", 909), "", ["stale"]),
        (Follower("watching", 849), "the pods cannot be watched: nothing was heard for 150 s", ["stale"]),
        (Follower("listing", 849), "the pods cannot be watched: nothing was heard for 150 s", []),
    ],
    ids=["at first", "first list", "no server", "refused", "well", "silent: asked", "silent for long", "asked in vain"],
)
def test_problem(follower: Follower, problem: str, asked: list[str]) -> None:
    """A refusal is a problem at once; silence is once a list that was asked for has not come either."""
    assert (Heard("pods", follower, lambda: 1000.0).problem(), follower.asked) == (problem, asked)


@pytest.mark.parametrize(
    ("follower", "deaf"),
    [
        (Follower("listing", None), ""),
        (Follower("forbidden", None, "403"), "the pods cannot be read: 403"),
        (Follower("forbidden", 851, "403"), ""),
        (Follower("forbidden", 849, "403"), "the pods cannot be read: 403"),
        (Follower("watching", 851), ""),
        (Follower("waiting", 849, "no route"), "the pods cannot be watched: nothing was heard for 150 s"),
    ],
    ids=["first list", "never allowed", "refused", "refused for long", "quiet", "silent for long"],
)
def test_deaf(follower: Follower, deaf: str) -> None:
    """A pod is deaf that never heard anything, or not for long: sooner, all would be when the API server is away for a moment."""
    assert Heard("pods", follower, lambda: 1000.0).deaf() == deaf


def test_within() -> None:
    """What was heard longer ago than wanted is asked for, unless a list is under way."""
    follower = Follower("watching", 990)
    heard = Heard("pods", follower, lambda: 1000.0)

    assert (heard.within(10), follower.asked) == (True, [])
    assert (heard.within(9), follower.asked) == (False, ["stale"])


def test_nothing_is_known_before_the_first_list() -> None:
    """A StatefulSet that has not been listed is no StatefulSet that is gone; one that is not in the list is."""
    versions, pods = Versions(lambda: None), Pods(lambda: None)
    assert (versions.take(), pods.now()) == ([], None)

    versions.start_list()
    versions.end_list("1")
    pods.end_list("1")

    assert (versions.take(), versions.take(), pods.now()) == ([None], [None], [])
