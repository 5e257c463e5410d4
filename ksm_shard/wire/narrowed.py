"""Derives a message class that lacks some fields of another, to parse what many objects have in common."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


def narrowed(message: type[Message], without: Mapping[str, str]) -> type[Message]:
    """Return a class of messages that lack fields, wherever in the message these are.

    Args:
        message: the class of the whole message.
        without: names of messages in its file, or in one that this imports -> the fields that go, with blanks between them.

    Raises:
        ValueError: there is no such field.
    """
    left = {(name, field) for name, fields in without.items() for field in fields.split()}
    pool = DescriptorPool()  # apart from the pool of the whole messages, which have the same names
    for file in _files(message.DESCRIPTOR.file):
        thin = FileDescriptorProto.FromString(file.serialized_pb)
        for one in thin.message_type:
            kept = [field for field in one.field if (one.name, field.name) not in left]
            left -= {(one.name, field.name) for field in one.field}
            del one.field[:]
            one.field.extend(kept)
        pool.Add(thin)
    if left:
        raise ValueError(
            f"expected fields to leave out of {message.DESCRIPTOR.name}, got {sorted(left)}, which are none"
        )
    found: type[Message] = GetMessageClass(pool.FindMessageTypeByName(message.DESCRIPTOR.full_name))
    return found


def _files(file: Any) -> list[Any]:
    """Return the descriptor of a file after those of what it imports."""
    found = {one.name: one for imported in file.dependencies for one in _files(imported)}
    return [*found.values(), file]
