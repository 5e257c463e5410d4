"""Converts protobuf bodies to JSON objects as a real server would write them.

This is the inverse of protobuf.py. Go encodes every field that is not a pointer, so a zero value is shown only if it differs in
meaning from an absent one (tags.py).
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from ksm_shard.simulator import protobuf
from ksm_shard.simulator.tags import shows_zero
from ksm_shard.wire.convert import inlined
from ksm_shard.wire.frames import MAGIC, WireError, decode
from ksm_shard.wire.messages.runtime_pb2 import Unknown


def sealed(body: bytes) -> tuple[str, str, bytes]:
    """Return the apiVersion, the kind and the content of an envelope.

    Raises:
        WireError: the body is not an envelope.
    """
    if not body.startswith(MAGIC):
        raise WireError(f"expected a body that begins with {MAGIC!r}")
    envelope = decode(Unknown, body[len(MAGIC) :])
    return envelope.typeMeta.apiVersion, envelope.typeMeta.kind, envelope.raw


def decoded(name: str, raw: bytes) -> dict[str, Any]:
    """Return an encoded message as JSON; `name` is its full protobuf name.

    Raises:
        WireError: the bytes are not such a message.
    """
    return _object(decode(protobuf.message_class(name), raw))


def _object(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated:
            value = _many(field, getattr(message, field.name))
            if value:
                found[field.name] = value
        elif not message.HasField(field.name):
            continue
        elif inlined(field):
            found |= _object(getattr(message, field.name))
        else:
            value = _one(field, getattr(message, field.name))
            zero = value is None or (field.message_type is None and not value)
            if not zero or shows_zero(message.DESCRIPTOR.full_name, field.name):
                found[field.name] = value
    return found


def _many(field: Any, values: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {key: _one(inner, values[key]) for key in sorted(values)}
    return [_one(field, value) for value in values]


def _one(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        write: Callable[[Any], Any] = SPECIAL.get(field.message_type.name, _object)
        return write(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return base64.b64encode(value).decode()
    return value


def _time(form: str) -> Callable[[Any], str | None]:
    def written(message: Any) -> str | None:
        if not message.ByteSize():
            return None
        return datetime.fromtimestamp(message.seconds, UTC).replace(microsecond=message.nanos // 1000).strftime(form)

    return written


SPECIAL: Final[dict[str, Callable[[Any], Any]]] = {
    "Time": _time("%Y-%m-%dT%H:%M:%SZ"),
    "MicroTime": _time("%Y-%m-%dT%H:%M:%S.%fZ"),
    "Quantity": lambda message: message.string,
    "IntOrString": lambda message: message.strVal if message.type else message.intVal,
    "FieldsV1": lambda message: json.loads(message.Raw or b"{}"),
    "ExtraValue": lambda message: list(message.items),
}
