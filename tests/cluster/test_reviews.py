"""AccessReviews: what is sent, what is read of the answer, and that nothing but a clear yes is one. Asked of the simulator."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import Forbidden, RequestError, Unavailable, Unsupported
from ksm_shard.cluster.reviews import AccessReviews
from ksm_shard.simulator.simulator import Simulator
from tests.cluster.server import Request, serving


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An API server that knows one token."""
    with Simulator([]) as running:
        running.reviews.allow("good", "prometheus", "/metrics")
        yield running


def test_who_and_what(simulator: Simulator) -> None:
    """A token is somebody's or nobody's, and the user may get what their role names."""
    reviews = AccessReviews(connect(simulator.url))
    user = reviews.user("good")

    assert user is not None
    assert user["username"] == "prometheus"
    assert reviews.user("bad") is None
    assert reviews.allowed(user, "get", "/metrics")
    assert not reviews.allowed(user, "get", "/shard")
    assert not reviews.allowed(user, "head", "/metrics")


def asked(answer: Any, status: int = 201) -> tuple[Any, Any, list[dict[str, Any]]]:
    """What both questions come to when the API server gives that answer, and the bodies that it got."""
    bodies: list[dict[str, Any]] = []

    def handler(request: Request) -> None:
        bodies.append(json.loads(request.rfile.read(int(request.headers["Content-Length"]))))
        assert request.command == "POST"
        assert request.headers["Content-Type"] == "application/json"
        request.answer(answer, status)

    found: list[Any] = []
    with serving(handler) as server:
        reviews = AccessReviews(connect(server.url))
        user = {"username": "u", "uid": "1", "groups": ["g"], "extra": {"a": ["b"]}, "more": 1}
        for question in (lambda: reviews.user("t0ken"), lambda: reviews.allowed(user, "get", "/metrics")):
            try:
                found.append(question())
            except RequestError as error:
                found.append("it quotes the token" if "t0ken" in str(error) else type(error))
    return found[0], found[1], bodies


def test_what_is_sent() -> None:
    """The token is sent to TokenReview alone, and the user as it was returned, with a path that is no resource."""
    *_, (who, what) = asked({"status": {}})

    assert who == {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "t0ken"}}
    assert what["spec"] == {
        "user": "u",
        "uid": "1",
        "groups": ["g"],
        "extra": {"a": ["b"]},
        "nonResourceAttributes": {"verb": "get", "path": "/metrics"},
    }


@pytest.mark.parametrize(
    ("answer", "status", "who", "what"),
    [
        ({"status": {"authenticated": True, "user": {"username": "x"}, "allowed": True}}, 201, {"username": "x"}, True),
        ({"status": {"authenticated": True, "user": {"username": "x"}, "allowed": True}}, 200, {"username": "x"}, True),
        ({"status": {"authenticated": "true", "allowed": "true"}}, 201, None, False),
        ({"status": {"allowed": True, "denied": True}}, 201, None, False),
        ({"status": {}}, 201, None, False),
        ({"status": {"authenticated": True}}, 201, Unsupported, False),
        ({"status": {"authenticated": True, "user": {"username": 1}}}, 201, Unsupported, False),
        ({"spec": {"token": "t0ken"}}, 201, Unsupported, Unsupported),
        ([], 201, Unsupported, Unsupported),
        (b"t0ken", 201, Unsupported, Unsupported),
        (b"", 204, Unavailable, Unavailable),
        ({"kind": "Status", "message": "no"}, 403, Forbidden, Forbidden),
        ({"kind": "Status", "message": "no"}, 500, Unavailable, Unavailable),
    ],
)
def test_answers(answer: Any, status: int, who: Any, what: Any) -> None:
    """Only a clear yes is one; what is no review raises, and quotes no token."""
    found = asked(answer, status)

    assert (who, what) == (found[0], found[1])
