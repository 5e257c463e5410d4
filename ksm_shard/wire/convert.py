"""Converts JSON to protobuf messages, guided by the message's descriptor.

JSON answers, the objects of tests and the simulator all take this way. Understands the JSON forms of the API conventions: RFC 3339
times, quantities as strings, int-or-string, base64 bytes.
"""

import base64
import json
from calendar import timegm
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ksm_shard.wire.frames import WireError

# Go embeds these structs: JSON has their fields directly in the parent, protobuf has them in a message of their own.
_INLINE: Final = frozenset(
    {
        "deviceConfiguration",
        "ephemeralContainerCommon",
        "handler",
        "ingressRuleValue",
        "localObjectReference",
        "persistentVolumeSource",
        "rule",
        "ruleWithOperations",
        "volumeSource",
    }
)
# The seconds stored for a time that cannot be parsed: an odd object loses the families that read the time, not all of its families.
IMPOSSIBLE: Final = 2**63 - 1
# Go's zero time, 0001-01-01T00:00:00Z, which Go encodes as an empty message.
ZERO_TIME: Final = -62135596800


def inlined(field: Any) -> bool:
    """Tell whether the fields of that message stand in its parent's JSON. A text may have such a name: RuntimeClass.handler."""
    return field.name in _INLINE and field.message_type is not None


def fill(message: Message, value: Mapping[str, Any]) -> None:
    """Set the fields of a message from a JSON object.

    Keys that the message does not declare are ignored.

    Raises:
        WireError: a value does not fit its field; the text has the path to the field.
    """
    field: Any  # Any, because upb's descriptors are not of the classes that the stubs name
    for field in message.DESCRIPTOR.fields:
        if field.name in _INLINE and field.message_type is not None and field.name not in value:
            child = GetMessageClass(field.message_type)()
            fill(child, value)
            if child.ByteSize():
                getattr(message, field.name).CopyFrom(child)
            continue
        given = value.get(field.name)
        if given is None:
            continue
        try:
            _set(message, field, given)
        except WireError as error:
            raise WireError(f"{field.name}.{error}") from None
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise WireError(f"{field.name}: {given!r:.80} does not fit {_type(field)}: {error}") from None


def _set(message: Message, field: Any, given: Any) -> None:
    try:
        _assign(message, field, given)
    except UnicodeEncodeError:
        message.ClearField(field.name)
        message.MergeFromString(_encoded(field, given))


def _assign(message: Message, field: Any, given: Any) -> None:
    target = getattr(message, field.name)
    if field.message_type is None:
        if field.is_repeated:
            target.extend([_scalar(field, one) for one in given])
        else:
            setattr(message, field.name, _scalar(field, given))
    elif field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        for key, one in given.items():
            if inner.message_type is None:
                target[key] = _scalar(inner, one)
            else:
                _fill_any(target[key], one)
    elif field.is_repeated:
        for one in given:
            _fill_any(target.add(), one)
    else:
        target.SetInParent()
        _fill_any(target, given)


def _encoded(field: Any, given: Any) -> bytes:
    """Encode a field with texts that are not valid UTF-8.

    Protobuf refuses to set such texts. JSON can spell a lone surrogate, half a character. Read back, such a text is bytes, as one
    received in protobuf would be: only the families that show it fail, not the whole object.
    """
    kind = field.message_type
    if kind is None:
        return b"".join(_delimited(field, _utf8(one)) for one in (given if field.is_repeated else (given,)))
    key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
    return b"".join(
        _delimited(field, _delimited(key, _utf8(name)) + _encoded_value(value, one)) for name, one in given.items()
    )


def _encoded_value(field: Any, given: Any) -> bytes:
    if field.message_type is None:
        return _delimited(field, _utf8(given))
    message = GetMessageClass(field.message_type)()
    _fill_any(message, given)
    return _delimited(field, message.SerializeToString())


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _replaced(text: str) -> str:
    return text if text.isascii() else _utf8(text).decode("utf-8", "replace")


def _delimited(field: Any, data: bytes) -> bytes:
    return varint(field.number << 3 | 2) + varint(len(data)) + data


def varint(number: int) -> bytes:
    """Encode a number as a protobuf varint."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _scalar(field: Any, given: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return base64.b64decode(given)
    if field.cpp_type in {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64}:
        return int(given)
    return given


def _fill_any(message: Message, given: Any) -> None:
    if given is None:  # Go writes a zero Time inside a map or a list as null: present, but empty
        return
    special = SPECIAL.get(message.DESCRIPTOR.name)
    if special is not None:
        special(message, given)
    else:
        fill(message, given)


def _fill_time(message: Any, given: str) -> None:
    try:
        moment = datetime.fromisoformat(given)
        seconds = timegm(moment.utctimetuple())
    except (TypeError, ValueError, OverflowError):
        message.seconds = IMPOSSIBLE
        return
    if seconds == ZERO_TIME:
        return
    message.seconds = seconds
    if moment.microsecond:
        message.nanos = moment.microsecond * 1000


def _fill_quantity(message: Any, given: str | float) -> None:
    message.string = _replaced(str(given))  # an invalid quantity fails in the family that reads it


def _fill_int_or_string(message: Any, given: int | str) -> None:
    if isinstance(given, str):
        message.type = 1
        message.strVal = _replaced(given)
    else:
        message.type = 0
        message.intVal = given


def _fill_raw(message: Any, given: Any) -> None:
    message.Raw = json.dumps(given, separators=(",", ":")).encode()


def _fill_extra(message: Any, given: list[str]) -> None:
    message.items.extend(map(_replaced, given))


SPECIAL: dict[str, Callable[[Any, Any], None]] = {
    "Time": _fill_time,
    "MicroTime": _fill_time,
    "Quantity": _fill_quantity,
    "IntOrString": _fill_int_or_string,
    "FieldsV1": _fill_raw,
    "ExtraValue": _fill_extra,
}


def _type(field: Any) -> str:
    return field.message_type.name if field.message_type is not None else f"protobuf type {field.type}"
