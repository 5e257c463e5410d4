"""Read little of a cluster: the definition of one kind, and the first objects of a resource."""

import json
from contextlib import closing
from typing import Any, Final

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import Unavailable
from ksm_shard.cluster.reader import Reader, Target
from ksm_shard.custom.resolve import Served
from ksm_shard.wire.codec import Codec, Raw

CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# Objects a page: at 1.5 MB, the most that etcd takes, a page is 38 MB.
PAGE: Final = 25


def definition(server: ApiServer, served: Served, call: Call) -> dict[str, Any] | None:
    """Return the CustomResourceDefinition of a resource; None for built-in and aggregated ones.

    Definitions are listed by name, not got: the right to list them is the one that `run` has.

    Raises:
        RequestError: the API server does not answer, or refuses.
    """
    if not served.group:
        return None
    query = {"fieldSelector": f"metadata.name={served.plural}.{served.group}"}
    with server.get(CRDS, query, "application/json", call) as response:
        body = response.body()
    try:
        items = json.loads(body)["items"]
        return items[0] if items else None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Unavailable(CRDS, "expected a list of definitions, got something else") from None


def first(server: ApiServer, target: Target, most: int, call: Call) -> list[tuple[Codec, Raw]]:
    """Return the first objects of a target, at most so many, each with the codec that reads it.

    Raises:
        RequestError, WireError: as Reader.pages.
    """
    found: list[tuple[Codec, Raw]] = []
    with closing(Reader(server, target).pages({"limit": str(min(most, PAGE))}, call)) as pages:
        for codec, page in pages:
            found += [(codec, item) for item in page.items]
            if len(found) >= most:
                break
    return found[:most]
