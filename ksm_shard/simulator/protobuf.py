"""Converts JSON objects to the protobuf of a real API server.

Every field of a kind is encoded, not only those that families read. The descriptors are built at first use, from fields.json
(message -> field -> number and type, Kubernetes 1.36).
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ksm_shard.wire.convert import SPECIAL, fill, varint

# What follows the first word of a group of Kubernetes' own; any other group is of custom resources.
DOMAINS: Final = frozenset({"", "k8s.io", "apiserver.k8s.io", "authorization.k8s.io"})
META: Final = "k8s.io.apimachinery.pkg.apis.meta.v1"
# Some fields have different names in protobuf and JSON: protobuf begins some with a capital, which JSON does only for these two,
# and has `aPIGroup`.
CAPITAL: Final = frozenset({"Port", "Raw"})
JSON_NAMES: Final = {"aPIGroup": "apiGroup"}

_F = FieldDescriptorProto
_SCALARS: Final = {
    "string": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
    "bool": _F.TYPE_BOOL,
    "int32": _F.TYPE_INT32,
    "int64": _F.TYPE_INT64,
}


class Shared(list[Any]):
    """A list that many objects share and nobody modifies, encoded only once.

    Sharing makes 20,000 made-up pods affordable.
    """

    encoded: bytes | None = None


def message_name(group: str, version: str, kind: str) -> str | None:
    """Return the full protobuf name of a kind, or None for custom resources, which have no protobuf."""
    package, _, domain = group.partition(".")
    name = f"k8s.io.api.{package or 'core'}.{version}.{kind}"
    return name if domain in DOMAINS and name in _facts() else None


def encode(name: str, value: Mapping[str, Any]) -> bytes:
    """Encode a JSON object as a message; `name` is its full protobuf name.

    Raises:
        WireError: a value does not fit its field; the text has the path to it.
    """
    return _encode(message_class(name), value, 2)


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of a message by its full protobuf name.

    Raises:
        KeyError: there is no such message.
    """
    return GetMessageClass(_pool().FindMessageTypeByName(name))


def _encode(kind: type[Message], value: Mapping[str, Any], depth: int) -> bytes:
    # The encoding of a message is the concatenation of its fields in any order, so shared parts can be encoded separately and only
    # once.
    fields: Any = kind.DESCRIPTOR.fields_by_name
    parts, rest = [], {}
    for name, part in value.items():
        if isinstance(part, Shared):
            if part.encoded is None:
                part.encoded = _fill(kind, {name: part})
            parts.append(part.encoded)
        elif depth and type(part) is dict and name in fields and _is_plain(fields[name]):
            inner = _encode(GetMessageClass(fields[name].message_type), part, depth - 1)
            parts.append(varint(fields[name].number << 3 | 2) + varint(len(inner)) + inner)
        else:
            rest[name] = part
    return _fill(kind, rest) + b"".join(parts)


def _is_plain(field: Any) -> bool:
    kind = field.message_type
    return kind is not None and not field.is_repeated and kind.name not in SPECIAL


def _fill(kind: type[Message], value: Mapping[str, Any]) -> bytes:
    message = kind()
    fill(message, value)
    return message.SerializeToString()


@cache
def _facts() -> dict[str, dict[str, tuple[int, str]]]:
    text = resources.files(__package__).joinpath("fields.json").read_text()
    facts: dict[str, dict[str, tuple[int, str]]] = json.loads(text)
    return facts


@cache
def _pool() -> DescriptorPool:
    """Return a pool with one file for each package.

    Packages import each other in one direction only, api from apimachinery.
    """
    files: dict[str, FileDescriptorProto] = {}
    for full, fields in _facts().items():
        package, _, name = full.rpartition(".")
        file = files.setdefault(package, FileDescriptorProto(name=package, package=package, syntax="proto2"))
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            json_name = field if field in CAPITAL else field[0].lower() + field[1:]
            _declare(message, full, JSON_NAMES.get(json_name, json_name), number, kind)
            for other in re.findall(r"(k8s\.io[\w.]+)\.\w+", kind):
                if other != package and other not in file.dependency:
                    file.dependency.append(other)
    pool = DescriptorPool()
    added: set[str] = set()

    def add(package: str) -> None:
        if package not in added:
            added.add(package)
            for other in files[package].dependency:
                add(other)
            pool.Add(files[package])

    for package in files:
        add(package)
    return pool


def _declare(message: DescriptorProto, full: str, name: str, number: int, kind: str) -> None:
    repeated = kind.startswith(("repeated ", "map<"))
    field = message.field.add(name=name, number=number, label=_F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL)
    kind = kind.removeprefix("repeated ")
    if entry := re.fullmatch(r"map<(\w+),\s*(.+)>", kind):
        nested = message.nested_type.add(name=name[0].upper() + name[1:] + "Entry")
        nested.options.map_entry = True
        _declare(nested, "", "key", 1, entry[1])
        _declare(nested, "", "value", 2, entry[2])
        kind = f"{full}.{nested.name}"
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _F.TYPE_MESSAGE, f".{kind}"
