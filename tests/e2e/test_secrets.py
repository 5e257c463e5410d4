"""No secret's data: what crosses the wire, and what an exporter tells, remembers and logs of it.

On the simulator always, on a real API server with `-m real` and KSM_SHARD_KUBECONFIG; a proxy between them records.
"""

import base64
import json
import re
import urllib.error
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.measured import Tell
from tests.e2e.recording import Recorder, recording
from tests.processes import Exporter, eventually
from tests.simulator.servers import BOTH, TABLE, Server

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
METADATA = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
DATA, STRING, COPIED, CHANGED = (
    f"canary-{word}-{uuid.uuid4().hex}" for word in ("data", "string", "copied", "changed")
)
NAMES = [f"plain-{number}" for number in range(6)]


def secret(name: str, copied: str = "") -> dict[str, object]:
    """Return a secret as somebody has created it, or as `kubectl apply` has, which keeps a copy of its own."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "example.com/made"}
    copy = json.dumps(body | {"data": {"a": encoded(copied)}, "stringData": {"b": copied}})
    annotations = {"team": "blue"} | ({APPLIED: copy} if copied else {})
    return body | {
        "metadata": {"name": name, "annotations": annotations},
        "data": {"key": encoded(DATA)},
        "stringData": {"text": STRING},
    }


def encoded(text: str) -> str:
    """Return how a secret has a text in its data."""
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(params=BOTH, ids=lambda made: str(made.__name__))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each server in turn, with secrets in a namespace of its own."""
    for made in request.param():
        made.namespace = f"secrets-{uuid.uuid4().hex[:8]}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}}
        assert made.ask("/api/v1/namespaces", "POST", body)[0] == 201
        for one in [*map(secret, NAMES), secret("applied", COPIED)]:
            assert made.ask(made.secrets, "POST", one)[0] == 201
        yield made
        for name in [*NAMES, "applied"]:
            made.ask(f"{made.secrets}/{name}", "DELETE")
        made.ask(f"/api/v1/namespaces/{made.namespace}", "DELETE")


def exporter(proxy: Recorder, server: Server) -> Exporter:
    """Return one of two shards that is asked for all there is of secrets."""
    return Exporter(
        f"--apiserver={proxy.url}",
        f"--namespaces={server.namespace}",
        "--resources=secrets",
        "--metric-annotations-allowlist=secrets=[*]",
        "--metric-labels-allowlist=secrets=[*]",
        "--total-shards=2",
        "--shard=0",
        "--v=10",
    )


def told(one: Exporter, server: Server) -> dict[str, str]:
    """Return everything that the exporter says, by where."""

    def get(path: str) -> str:
        try:
            return one.scrape(path)
        except urllib.error.HTTPError as error:
            return error.read().decode()

    owners = {f"/owner?resource=secrets&namespace={server.namespace}&name={name}" for name in [*NAMES, "applied"]}
    pages = {path: get(path) for path in ["/metrics", "/", "/shard", "/readyz", *owners]}
    return pages | {"telemetry": one.scrape_telemetry(), "log": "\n".join(one.log)}


def found(canaries: list[str], text: bytes) -> list[str]:
    """Return which of the canaries are in there, plain or encoded at any offset."""
    return [one for one in canaries if any(form in text for form in (one.encode(), encoded(one)[:-4].encode()))]


def remembered(one: Exporter, canaries: list[str]) -> dict[str, int]:
    """Return how often each canary is in the memory of the worker."""
    counts = dict.fromkeys(canaries, 0)
    with Path(f"/proc/{one.worker()}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{one.worker()}/maps").read_text().splitlines():
            first, last, mode = re.match(r"(\w+)-(\w+) (\S+)", line).groups()  # type: ignore[union-attr]
            if not mode.startswith("rw") or "[v" in line:
                continue
            part = b""
            with suppress(OSError):  # it is gone by now
                memory.seek(int(first, 16))
                part = memory.read(int(last, 16) - int(first, 16))
            for canary in canaries:
                counts[canary] += part.count(canary.encode()) + part.count(encoded(canary)[:-4].encode())
    return counts


def test_no_data_are_read_kept_or_told(server: Server, record_property: Tell) -> None:
    """`data` and `stringData` never cross the wire; kubectl's copy of them does, inside metadata, and is told nowhere."""
    with recording(server.pool, server.url, server.headers) as proxy, exporter(proxy, server).ready() as one:
        assert server.ask(f"{server.secrets}/applied", "PUT", secret("applied", CHANGED))[0] == 200
        assert server.ask(f"{server.secrets}/{NAMES[0]}", "PUT", secret(NAMES[0], CHANGED))[0] == 200
        watched = lambda: any(CHANGED.encode() in each.body and "watch=" in each.path for each in proxy.exchanges)  # noqa: E731
        eventually(watched, "the change has not been seen")
        said = told(one, server)
        wire = [each for each in proxy.exchanges if "/secrets" in each.path]
        memory = remembered(one, [DATA, STRING, COPIED, CHANGED])
        record_property("measured", f"times in the memory of the worker: {[*memory.values()]}")

    assert [] == [each.path for each in wire if found([DATA, STRING], bytes(each.body))]
    assert {each.accept for each in wire} == {TABLE, METADATA}
    assert [COPIED, CHANGED] == [one for one in (COPIED, CHANGED) if any(found([one], each.body) for each in wire)]
    assert [] == [where for where, text in said.items() if found([DATA, STRING, COPIED, CHANGED], text.encode())]
    assert 'annotation_team="blue"' in said["/metrics"]
    assert all('"shard"' in text for where, text in said.items() if where.startswith("/owner"))
    assert (memory[DATA], memory[STRING]) == (0, 0)


def test_whole_secrets_are_refused(server: Server) -> None:
    """Behind a proxy that takes the Accept header away whole secrets come: not even their names are shown."""
    with recording(server.pool, server.url, server.headers, strips=True) as proxy, exporter(proxy, server) as one:
        eventually(lambda: "expected a Table" in "\n".join(one.log), "it has not been refused")
        said = told(one, server)
        sent = [each.path for each in proxy.exchanges if found([DATA], bytes(each.body))]

    assert sent
    assert [] == [where for where, text in said.items() if found([DATA, STRING, COPIED], text.encode())]
    assert not re.search("kube_secret_info{", said["/metrics"])
    for where, text in said.items():
        if where.startswith("/owner"):
            assert text.startswith("not served here, and not found out: ")
            assert text.endswith("got content type 'application/json'\n")
