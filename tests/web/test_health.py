"""What probes, people and other shards ask besides metrics, on both ports."""

import json

import pytest

from tests.web.serve_fake import UID
from tests.web.serving import Server, serving


@pytest.mark.parametrize("path", ["/livez", "/healthz"])
def test_alive_while_listing(loading: Server, path: str) -> None:
    """Listing takes as long as it takes: who is not ready is alive, or the kubelet would start it all over."""
    assert (200, "alive\n") == (loading.get(path).status, loading.get(path).text)


def test_ready(server: Server) -> None:
    """Ready, with what is accepted as it is."""
    answer = server.get("/readyz")

    assert (200, "ready\nsecrets: forbidden (exempt)\n") == (answer.status, answer.text)


def test_not_ready_says_why(loading: Server) -> None:
    """The resources that are missing are named, one a line."""
    answer = loading.get("/readyz")

    assert answer.status == 503
    assert answer.text.splitlines() == ["not ready", "pods: listing", "secrets: forbidden (exempt)"]


def test_both_ports_have_health(loading: Server) -> None:
    """kube-state-metrics' manifests probe /livez on one port and /readyz on the other."""
    assert [200, 503] == [loading.get(path, port=loading.telemetry).status for path in ("/livez", "/readyz")]


def test_owner_of_a_uid(server: Server) -> None:
    """Every shard can say whose an object is: it takes only its uid."""
    answer = json.loads(server.get(f"/owner?uid={UID}").body)

    assert answer["uid"] == UID
    assert (f"ksm-shard-{answer['shard']}", 10) == (answer["pod"], answer["total"])
    assert answer["held"] is (answer["shard"] == 3)


def test_owner_of_a_name(server: Server) -> None:
    """Any shard can tell; 404 is for what there is not, 502 and 503 for what cannot be found out now."""
    asked = "/owner?resource=pods&namespace=default&name="

    assert json.loads(server.get(f"{asked}web-0").body)["uid"] == UID
    assert server.get(f"{asked}web-1").status == 404
    assert (502, "not found out: forbidden\n") == told(server, f"{asked}forbidden")
    assert (503, "not found out: silent\n") == told(server, f"{asked}silent")


def told(server: Server, path: str) -> tuple[int, str]:
    """Return status and text of an answer."""
    answer = server.get(path)
    return answer.status, answer.text


@pytest.mark.parametrize("query", ["", "?uid=", "?resource=pods", "?resource=podz&name=a"])
def test_owner_of_what(server: Server, query: str) -> None:
    """A question without an object is refused, saying how to ask."""
    answer = server.get(f"/owner{query}")

    assert answer.status == 400
    assert "ask for ?uid=" in answer.text or "'podz'" in answer.text


def test_shard_report(server: Server) -> None:
    """What `ksm-shard check` asks for is JSON."""
    answer = server.get("/shard")

    assert (200, "application/json") == (answer.status, answer.headers["content-type"])


def test_unknown_paths(server: Server) -> None:
    """404 in one line of text, on both ports; what is only on the other port is not here."""
    for port, path in (server.main, "/nope"), (server.telemetry, "/nope"), (server.telemetry, "/owner"):
        answer = server.get(path, port=port)

        assert (404, "text/plain; charset=utf-8") == (answer.status, answer.headers["content-type"])


def test_ports_differ_on_ipv6() -> None:
    """Which site answers depends on the port that was asked, whatever the address looks like."""
    with serving(host="::1") as server:
        assert "kube_pods_info" in server.get("/metrics").text
        assert "kube_pods_info" not in server.get("/metrics", port=server.telemetry).text
