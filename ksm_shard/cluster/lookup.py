"""Look up the uid of an object by its name, with the right to list.

The request is a list of metadata, narrowed by a field selector. Metadata in protobuf have no field for a secret's data. An
answer of any other kind is refused unread: there is no fallback.
"""

import re
from typing import Final

from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import NotFound, Unsupported
from ksm_shard.wire.codec import ProtobufCodec
from ksm_shard.wire.frames import seal

# Seconds for the whole look-up: a user waits in a browser or with curl, and four may wait at once.
WITHIN: Final = 3.0
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
ACCEPT: Final = f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# The bytes that begin the answer: an envelope starts with its kind, and its last two bytes are the content, empty here.
OPENING: Final = seal("meta.k8s.io/v1", "PartialObjectMetadataList", b"")[:-2]


def uid_of(server: ApiServer, path: str, name: str) -> str | None:
    """Return the uid of an object; None if the object or the API is absent.

    `path` is that of the list.

    Raises:
        RequestError, WireError: the API server refuses, takes more than WITHIN seconds, or answers with another kind.
    """
    # Escaped as by apimachinery's fields.EscapeValue.
    escaped = re.sub(r"([\\,=])", r"\\\1", name)
    codec = ProtobufCodec()
    try:
        with server.get(path, {"fieldSelector": f"metadata.name={escaped}"}, ACCEPT, within=WITHIN) as response:
            if response.content_type.partition(";")[0].strip() != PROTOBUF:
                raise Unsupported(path, f"expected {PROTOBUF}, got content type {response.content_type!r:.80}")
            opening = response.opening(len(OPENING), WITHIN)
            if not opening.startswith(OPENING):
                raise Unsupported(
                    path, "expected a PartialObjectMetadataList, got something else, of which no more is read"
                )
            page = codec.page(b"".join([opening, *response.chunks(WITHIN)]))
    except NotFound:
        return None
    return next((codec.identity(item)[0] for item in page.items), None)
