"""The two servers that the same tests are held against: the simulator, and a real one if KSM_SHARD_KUBECONFIG names it."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from kubernetes import config

from ksm_shard.simulator import Simulator

NAMES = [f"made-{n}" for n in range(5)]
Object = dict[str, Any]


def partial(shape: str) -> str:
    """Return the media type of objects in a shape that is not their own."""
    return f"application/json;as={shape};g=meta.k8s.io;v=v1"


TABLE = partial("Table")


@dataclass
class Server:
    """A server, and a namespace of it with five secrets for a test to play with."""

    pool: urllib3.PoolManager
    url: str
    headers: dict[str, str]
    forget: Callable[[], None]
    namespace: str = ""

    @property
    def secrets(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets"

    def ask(self, path: str, method: str = "GET", body: Any = None, accept: str = "", **query: str) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        data = json.dumps(body).encode() if body else b""
        status, _, answer = self.send(path, method, data, "application/json", accept, **query)
        return status, json.loads(answer)

    def send(
        self, path: str, method: str, body: bytes, kind: str, accept: str = "", **query: str
    ) -> tuple[int, str, bytes]:
        """Return status, content type and body of an answer to a body of that content type."""
        headers = self.headers | {"Accept": accept or "application/json", "Content-Type": kind}
        answer = self.pool.request(method, f"{self.url}{path}?{urlencode(query)}", body=body or None, headers=headers)
        return answer.status, answer.headers["Content-Type"], answer.data

    def watch(self, accept: str = "", **query: str) -> list[Object]:
        """Return the events of a watch of the secrets that the server ends after a second."""
        asked = {"watch": "true", "timeoutSeconds": "1"} | query
        headers = self.headers | {"Accept": accept or "application/json"}
        answer = self.pool.request("GET", self.url + self.secrets, fields=asked, headers=headers)
        return [json.loads(line) for line in answer.data.splitlines()]

    def put(self, name: str) -> Object:
        """Create a secret and return it."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "example.com/made"}
        status, made = self.ask(self.secrets, "POST", body)
        assert status == 201, made
        return dict(made)


def simulated() -> Iterator[Server]:
    """The simulator."""
    with Simulator() as simulator, urllib3.PoolManager(timeout=20) as pool:
        yield Server(pool, simulator.url, {}, simulator.compact)


def real() -> Iterator[Server]:
    """The cluster of KSM_SHARD_KUBECONFIG."""
    path = os.environ.get("KSM_SHARD_KUBECONFIG")
    if not path:
        pytest.skip("KSM_SHARD_KUBECONFIG names no kubeconfig")
    client = config.new_client_from_config(path)
    token = client.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")

    def forget() -> None:
        pytest.skip("a real server forgets after five minutes, not when asked to")

    yield Server(
        client.rest_client.pool_manager, client.configuration.host, {"Authorization": token} if token else {}, forget
    )
    client.close()


BOTH = [simulated, pytest.param(real, marks=pytest.mark.real)]
