"""What strangers are told: no details of errors, and no question to the API server. Others are told all, as in test_page.py.

The addresses are made up: nothing here leaves the process.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.status.model import Owner, Readiness
from ksm_shard.status.states import ReflectorState
from ksm_shard.web.access import VERDICT, Granted
from ksm_shard.web.app import main_app, telemetry_app
from ksm_shard.web.strangers import brief, from_inside
from ksm_shard.web.telemetry import Telemetry
from ksm_shard.web.unread import Unread
from tests.web.serve_fake import FakeSource

SECRET = 'pods is forbidden: User "system:serviceaccount:monitoring:ksm-shard" at 10.96.0.1'
STRANGER, INSIDER = "10.244.1.7", "127.0.0.1"


class Faulty(FakeSource):
    """A source in trouble, whose errors have accounts and addresses."""

    def __init__(self) -> None:
        super().__init__(1, synced=False)
        self.searched = 0

    def readiness(self) -> Readiness:
        return Readiness(
            ready=False,
            problems=[
                f"pods: waiting: /api/v1/pods: {SECRET}",
                f"the StatefulSet of this pod cannot be read: {SECRET}",
            ],
            notes=["secrets: forbidden (not waited for)", f"{SECRET}"],
        )

    def report(self) -> str:
        return json.dumps({"pod": "ksm-0", "problem": f"the pods of the StatefulSet cannot be read: {SECRET}"})

    def find(self, resource: str, namespace: str, name: str, *, search: bool = True) -> Owner | None:
        self.searched += search
        return super().find(resource, namespace, name, search=search)


def sites(source: FakeSource, **more: Any) -> tuple[Flask, Flask]:
    """Both sites of a source."""
    telemetry = Telemetry(source)
    unread = Unread(source.retired, telemetry.dropped, time.monotonic)
    main = main_app(source, telemetry, unread, gzip=True, scrapes=1, telemetry_port=1, draining=lambda: False, **more)
    return main, telemetry_app(source, telemetry, main_port=1, draining=lambda: False, **more)


def get(site: Flask, path: str, address: str) -> tuple[int, str]:
    """The answer to a client of that address."""
    answer = site.test_client().get(path, environ_overrides={"REMOTE_ADDR": address})
    return answer.status_code, answer.text


def leaks(text: str) -> bool:
    """Tell whether a text has words of the API server."""
    return any(word in text for word in ("system:serviceaccount", "10.96.0.1"))


@pytest.mark.parametrize("path", ["/", "/shard", "/readyz"])
def test_details(path: str) -> None:
    """An error is whole for who comes from inside of the pod, and its subject for a stranger."""
    main, telemetry = sites(Faulty())
    for site in (main, telemetry) if path == "/readyz" else (main,):
        assert leaks(get(site, path, INSIDER)[1])
        status, text = get(site, path, STRANGER)
        assert status == get(site, path, INSIDER)[0]
        assert not leaks(text)
        assert "cannot be read" in text


def test_nothing_else_is_missing() -> None:
    """What `check` and a person need is there: states, counts, pods, and what is wrong with the set-up."""
    main, _ = sites(Faulty())
    ready, page = get(main, "/readyz", STRANGER)[1], get(main, "/", STRANGER)[1]

    assert ready.startswith(
        "not ready\npods: waiting\nthe StatefulSet of this pod cannot be read\nsecrets: forbidden (not waited for)\n"
    )
    for word in "pods", "forbidden", "ksm-shard-7", "terminationGracePeriodSeconds", "the error is in the log":
        assert word in page


@pytest.mark.parametrize(("address", "inside"), [(STRANGER, False), (INSIDER, True)])
def test_owner(address: str, inside: bool) -> None:
    """A stranger is told of what is exported here, and has nobody asked about anything else."""
    source = Faulty()
    main, _ = sites(source)
    here = "/owner?resource=pods&namespace=default&name=web-0"

    assert get(main, here, address)[0] == 200
    assert get(main, "/owner?uid=8d41b2b1", address)[0] == 200
    assert get(main, "/owner?resource=pods&namespace=kube-system&name=web-0", address)[0] == (404 if inside else 403)
    assert get(main, "/owner?resource=pods&namespace=default&name=forbidden", address)[0] == (502 if inside else 403)
    assert source.searched == (3 if inside else 0)


@pytest.mark.parametrize(
    ("more", "told", "probe"),
    [
        ({"asks_all": lambda: True}, True, True),
        # Probes stay open to anybody with the filter, so that they tell no more than without it.
        ({"by_right": True}, True, False),
    ],
)
def test_who_has_shown_who_they_are(more: dict[str, Callable[[], bool] | bool], told: bool, probe: bool) -> None:
    """Whoever has shown a password, a certificate or a token is no stranger, wherever they come from."""
    main, _ = sites(Faulty(), **more)
    token = VERDICT.set(Granted("/shard"))
    try:
        assert leaks(get(main, "/shard", STRANGER)[1]) == told
    finally:
        VERDICT.reset(token)
    assert leaks(get(main, "/readyz", STRANGER)[1]) == probe


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True), ("127.0.0.6", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False), ("fe80::1", False), ("0.0.0.0", False), ("", False), ("localhost", False), (None, False),
    ],
)  # fmt: skip
def test_addresses(address: str | None, inside: bool) -> None:
    """Loopback alone is inside, as IPv4 is seen on either kind of port; what is no address is not."""
    assert from_inside(address) == inside


@given(
    st.text(alphabet="abc/ ", min_size=1), st.sampled_from(["", *ReflectorState]), st.text(alphabet="xyz: ", min_size=1)
)
def test_any_line(subject: str, state: str, details: str) -> None:
    """Of a line its subject is left, and its state, whatever comes behind."""
    line = ": ".join(filter(None, (subject, state, details)))

    assert brief(line) == ": ".join(filter(None, (subject, state)))
