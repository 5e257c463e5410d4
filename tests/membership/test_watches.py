"""Whether what was heard of the StatefulSet and its pods can be relied on. What is made of that: tests/sharding, tests/e2e."""

import pytest

from ksm_shard.membership.watches import PodSink, StatefulSetSink, WatchHealth
from ksm_shard.status.states import ReflectorState
from ksm_shard.wire.codec import ProtobufCodec
from ksm_shard.wire.messages.core_v1_pb2 import Pod as PodMessage


class Reflector:
    """A reflector whose state is written by the test."""

    def __init__(self, state: str, last_event: float | None, last_error: str = "") -> None:
        self.state, self.last_event, self.last_error = ReflectorState(state), last_event, last_error
        self.asked: list[str] = []

    def relist_soon(self, reason: str) -> None:
        """Note that a list is wanted."""
        self.asked.append(reason)


@pytest.mark.parametrize(
    ("reflector", "problem", "asked"),
    [
        (Reflector("starting", None), "", []),
        (Reflector("listing", None), "", []),
        (Reflector("waiting", None, "no route"), "the pods cannot be read: no route", []),
        (Reflector("forbidden", 999, "403"), "the pods cannot be read: 403", []),
        (Reflector("watching", 910), "", []),
        (Reflector("watching", 909), "", ["stale"]),
        (Reflector("watching", 849), "the pods cannot be watched: nothing was heard for 150 s", ["stale"]),
        (Reflector("listing", 849), "the pods cannot be watched: nothing was heard for 150 s", []),
    ],
    ids=["at first", "first list", "no server", "refused", "well", "silent: asked", "silent for long", "asked in vain"],
)
def test_problem(reflector: Reflector, problem: str, asked: list[str]) -> None:
    """A refusal is a problem at once; silence is once a list that was asked for has not come either."""
    assert (WatchHealth("pods", reflector, lambda: 1000.0).problem(), reflector.asked) == (problem, asked)


@pytest.mark.parametrize(
    ("reflector", "deaf"),
    [
        (Reflector("listing", None), ""),
        (Reflector("forbidden", None, "403"), "the pods cannot be read: 403"),
        (Reflector("forbidden", 851, "403"), ""),
        (Reflector("forbidden", 849, "403"), "the pods cannot be read: 403"),
        (Reflector("watching", 851), ""),
        (Reflector("waiting", 849, "no route"), "the pods cannot be watched: nothing was heard for 150 s"),
    ],
    ids=["first list", "never allowed", "refused", "refused for long", "quiet", "silent for long"],
)
def test_deaf(reflector: Reflector, deaf: str) -> None:
    """A pod is deaf that never heard anything, or not for long: sooner, all would be when the API server is away for a moment."""
    assert WatchHealth("pods", reflector, lambda: 1000.0).deaf() == deaf


def test_within() -> None:
    """What was heard longer ago than wanted is asked for, unless a list is under way."""
    reflector = Reflector("watching", 990)
    heard = WatchHealth("pods", reflector, lambda: 1000.0)

    assert (heard.within(10), reflector.asked) == (True, [])
    assert (heard.within(9), reflector.asked) == (False, ["stale"])


def test_nothing_is_known_before_the_first_list() -> None:
    """A StatefulSet that has not been listed is no StatefulSet that is gone; one that is not in the list is."""
    versions, pods = StatefulSetSink(lambda: None), PodSink(lambda: None)
    assert (versions.take(), pods.now()) == ([], None)

    versions.start_list()
    versions.end_list("1")
    pods.end_list("1")

    assert (versions.take(), versions.take(), pods.now()) == ([None], [None], [])


@pytest.mark.parametrize(
    ("said", "port"), [("18703", 18703), ("", 0), ("8080/metrics", 0), ("-1", 0), ("\N{SUPERSCRIPT TWO}", 0)]
)
def test_the_port_that_a_pod_names_for_its_pages(said: str, port: int) -> None:
    """The annotation is a link on a page of others: what is no number counts as not there."""
    message = PodMessage()
    message.metadata.name = "ksm-shard-0"
    message.metadata.annotations["prometheus.io/port"] = said
    pods = PodSink(lambda: None)
    pods.put(ProtobufCodec(), message.SerializeToString())

    assert pods.ports == {"ksm-shard-0": port}
