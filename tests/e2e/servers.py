"""The API servers that the same fleets are held against: the simulator, a real one, or a cluster's."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes import config

from tests.e2e.api import Api, Rejected, simulated
from tests.e2e.realapi import RealApi

CONTROLLERS = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager"


@dataclass(frozen=True)
class Server:
    """An API server: how to ask it, and the flags that name it to an exporter."""

    api: Api
    flags: list[str]


def simulator() -> Iterator[Server]:
    """The simulator."""
    with simulated() as url, Api(url) as api:
        yield Server(api, [f"--apiserver={url}"])


def started(folder: Path) -> Iterator[Server]:
    """A real one with nothing in it, which KSM_SHARD_REALAPI names, in a new folder."""
    folder.mkdir()
    with RealApi(folder) as real, real.admin() as api:
        yield Server(api, [f"--kubeconfig={real.kubeconfig}"])


def cluster() -> Iterator[Server]:
    """The one of KSM_SHARD_KUBECONFIG, if it has no controllers: those would make pods of the StatefulSet as well."""
    path = os.environ.get("KSM_SHARD_KUBECONFIG")
    if not path:
        pytest.skip("KSM_SHARD_KUBECONFIG names no kubeconfig")
    client = config.new_client_from_config(path)
    token = client.configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
    client.close()
    with Api(client.configuration.host, token.removeprefix("Bearer ")) as api:
        with suppress(Rejected):
            api("GET", CONTROLLERS)
            pytest.skip("the cluster has a controller manager")
        yield Server(api, [f"--kubeconfig={path}"])
