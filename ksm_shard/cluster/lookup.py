"""The uid of one object, by its name: a list of metadata that a field selector narrows to it, for which `list` is right enough.

Metadata as protobuf have no place for the data of a secret. An answer of any other kind is refused unread: there is no fallback.
"""

import re
from typing import Final

from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import NotFound, Unsupported
from ksm_shard.wire.codec import ProtobufCodec
from ksm_shard.wire.frames import seal

# Somebody waits for it in a browser or with curl, and four may wait at once.
WITHIN: Final = 3.0
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
ACCEPT: Final = f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# An envelope begins with the kind that is in it; what it holds, here nothing, are the last two bytes.
OPENING: Final = seal("meta.k8s.io/v1", "PartialObjectMetadataList", b"")[:-2]


def uid_of(server: ApiServer, path: str, name: str) -> str | None:
    """Return the uid of the object of that name under the path of a list; None if there is none, or no such API.

    Raises:
        RequestError, WireError: the API server refuses, or does not answer within WITHIN seconds, or with something else.
    """
    # As apimachinery's fields.EscapeValue does it.
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
