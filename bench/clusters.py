"""Clusters of the side-by-side benchmark: a simulated or a real API server, and writers of objects at a given rate."""

import http.client
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import urllib3
from kubernetes import client, config

from bench.databases import KIND
from ksm_shard.simulator.synthetic import cluster as synthetic

Object = dict[str, Any]
Write = Callable[[Object], None]
# Requests of the writer that wait for their answers at one time.
WRITERS: Final = 8
NODES: Final = 200
# Kinds whose status the API server takes at a path of its own.
WITH_STATUS: Final = {"Pod", "ReplicaSet", "Deployment"}
GROUPS: Final = {
    "Pod": ("/api/v1", "pods"),
    "Namespace": ("/api/v1", "namespaces"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    KIND: ("/apis/bench.example.org/v1", "databases"),
}


class Cluster:
    """An API server.

    Attributes:
        flags: of an exporter that reads from it.
        turns: numbers for streams of events, each other than any before, in former runs too.
    """

    def __init__(
        self, url: str, flags: list[str], pool: urllib3.PoolManager, token: str = "", etcd: Sequence[str] = ()
    ) -> None:
        """Write with a bearer token; or straight to etcd, which is faster, by a command if there is one."""
        self.flags = flags
        self.turns = itertools.count(int(time.time()) % 1_000_000)
        self._url = url
        self._pool = pool
        self._etcd = etcd
        self._headers = {"Accept": "application/json", **({"Authorization": token} if token else {})}

    def request(self, method: str, path: str, body: Object | None = None) -> Object:
        """Send a request; return the JSON of its answer. Raises AssertionError if refused."""
        return json.loads(_accepted(self._send(method, path, body), path))  # type: ignore[no-any-return]

    def serves(self, item: Object) -> bool:
        """Return whether the kind of an object is served: that of a new definition is after some moments."""
        collection = path_of(item).rpartition("/")[0]
        return bool(self._send("GET", f"{collection}?limit=1", None).status == http.client.OK)

    def write(self, objects: Iterable[Object], rate: float = 0.0, *, straight: bool = True) -> float:
        """Write objects whole, whether or not they are there; return the number a second.

        Args:
            objects: of the kinds in GROUPS.
            rate: the number a second to write; 0 for as many as it takes.
            straight: whether etcd may be written to, which knows only built-in kinds.
        """
        began, count = time.monotonic(), 0
        with self._straight() if straight and self._etcd else self._requests() as write:
            for count, item in enumerate(objects, 1):
                if rate:
                    time.sleep(max(0.0, began + count / rate - time.monotonic()))
                write(item)
        return count / (time.monotonic() - began)

    @contextmanager
    def _straight(self) -> Iterator[Write]:
        with subprocess.Popen(self._etcd, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            assert process.stdin is not None
            pipe = process.stdin

            def write(item: Object) -> None:
                pipe.write(json.dumps(item).encode() + b"\n")
                pipe.flush()

            yield write
            pipe.close()
            assert process.wait() == 0

    @contextmanager
    def _requests(self) -> Iterator[Write]:
        with ThreadPoolExecutor(WRITERS) as executor:
            written: list[Future[None]] = []
            yield lambda item: written.append(executor.submit(self._put, item))
            for one in written:
                one.result()

    def _put(self, item: Object) -> None:
        """Change an object, or create it: two requests where the status has a path of its own."""
        # uid and version are the API server's to give.
        meta = {key: value for key, value in item["metadata"].items() if key not in {"uid", "resourceVersion"}}
        item = {**item, "metadata": meta}
        path = target = path_of(item)
        change = item
        if item["kind"] in WITH_STATUS:
            target, change = f"{path}/status", {"status": item["status"]}
        changed = self._send("PATCH", target, change)
        if changed.status == http.client.NOT_FOUND:
            self.request("POST", path.rpartition("/")[0], item)
            changed = self._send("PATCH", target, change)
        _accepted(changed, path)

    def _send(self, method: str, path: str, body: Object | None) -> urllib3.BaseHTTPResponse:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return self._pool.request(
            method,
            self._url + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={**self._headers, "Content-Type": kind},
        )


def _accepted(answer: urllib3.BaseHTTPResponse, path: str) -> bytes:
    assert answer.status < 300, f"{path}: {answer.status} {answer.data[:300]!r}"
    return answer.data


def made(pods: int) -> list[Object]:
    """Return made-up pods; the first ones are the same whatever their number."""
    return [item for item in synthetic(pods, NODES, seed=1) if item["kind"] == "Pod"]


def path_of(item: Object) -> str:
    """Return the path of an object."""
    group, plural = GROUPS[item["kind"]]
    meta = item["metadata"]
    namespace = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
    return f"{group}{namespace}/{plural}/{meta['name']}"


def workloads(pods: int, count: int) -> list[Object]:
    """Return the first deployments of a cluster of so many pods, and their replica sets."""
    found = [item for item in synthetic(pods, NODES, seed=1) if item["kind"] in {"Deployment", "ReplicaSet"}]
    return found[: 2 * count]


@contextmanager
def cluster(pods: int) -> Iterator[Cluster]:
    """Use the API server that KSM_SHARD_KUBECONFIG names, else the simulator, and have it serve made-up pods.

    If KSM_SHARD_REALAPI names the program of the server, objects are written straight to its etcd.
    """
    kubeconfig = os.environ.get("KSM_SHARD_KUBECONFIG")
    if kubeconfig:
        config.load_kube_config(config_file=kubeconfig)  # type: ignore[no-untyped-call]
        urllib3.disable_warnings()  # a kubeconfig of tests may say not to verify
        api = client.ApiClient()
        known, program = api.configuration, os.environ.get("KSM_SHARD_REALAPI")
        token = known.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
        etcd = [program, "put", "--port", known.host.rpartition(":")[2]] if program else []
        server = Cluster(known.host, [f"--kubeconfig={kubeconfig}"], api.rest_client.pool_manager, token, etcd)
        server.write(made(pods))
        yield server
        return
    command = [sys.executable, "-m", "ksm_shard", "simulate", "--port=0", f"--pods={pods}", f"--nodes={NODES}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        try:
            yield Cluster(url, [f"--apiserver={url}"], urllib3.PoolManager(maxsize=WRITERS))
        finally:
            process.terminate()
