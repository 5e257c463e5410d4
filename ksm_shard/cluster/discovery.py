"""Check discovery for resources that the API server does not serve.

A 404 alone proves little: a deleted CustomResourceDefinition and a proxy that lost its way answer with the same page.
"""

import json
from collections.abc import Callable
from typing import Any

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import NotFound, RequestError

JSON = "application/json"


def lacks(server: ApiServer, path: str, call: Call) -> bool:
    """Return whether discovery lacks the resource of a path; False in doubt."""
    root, *rest = path.strip("/").split("/")
    version = "/".join(rest[: 1 if root == "api" else 2])
    plural = rest[-1]
    try:
        try:
            return _says(
                server,
                f"/{root}/{version}",
                call,
                lambda said: (
                    said["kind"] == "APIResourceList" and plural not in {one["name"] for one in said["resources"]}
                ),
            )
        except NotFound:
            return _says(server, f"/{root}", call, lambda said: version not in _versions(said))
    except RequestError:
        return False


def _says(server: ApiServer, path: str, call: Call, what: Callable[[Any], bool]) -> bool:
    with server.get(path, {}, JSON, call) as response:
        body = response.body()
    try:
        return what(json.loads(body))
    except (ValueError, LookupError, TypeError, RecursionError):  # another document than expected
        return False


def _versions(said: Any) -> set[str]:
    if said["kind"] == "APIVersions":
        return set(said["versions"])
    if said["kind"] == "APIGroupList":
        return {version["groupVersion"] for group in said["groups"] for version in group["versions"]}
    raise ValueError(said["kind"])
