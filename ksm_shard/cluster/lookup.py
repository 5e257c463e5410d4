"""The uid of one object, by its name: a list of metadata that a field selector narrows to it, for which `list` is right enough."""

import re
from typing import Final

from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import NotFound
from ksm_shard.wire.codec import JsonCodec

# Somebody waits for it in a browser or with curl, and four may wait at once.
WITHIN: Final = 3.0
ACCEPT: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


def uid_of(server: ApiServer, path: str, name: str) -> str | None:
    """Return the uid of the object of that name under the path of a list; None if there is none, or no such API.

    Raises:
        RequestError, WireError: the API server refuses, or does not answer within WITHIN seconds.
    """
    # As apimachinery's fields.EscapeValue does it.
    escaped = re.sub(r"([\\,=])", r"\\\1", name)
    try:
        with server.get(path, {"fieldSelector": f"metadata.name={escaped}"}, ACCEPT, within=WITHIN) as response:
            page = JsonCodec().page(b"".join(response.chunks(WITHIN)))
    except NotFound:
        return None
    return next((JsonCodec().identity(item)[0] for item in page.items), None)
