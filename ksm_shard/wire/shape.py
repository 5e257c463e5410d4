"""Shapes: an item of the API server becomes what the families of its resource read."""

from typing import Any, Protocol

from google.protobuf.message import Message

from ksm_shard.wire.codec import Codec, Raw


class Shape(Protocol):
    """Makes of an item what families read."""

    @property
    def name(self) -> str:
        """The kind of the objects, where nobody says otherwise."""

    def parse(self, codec: Codec, item: Raw) -> Any:
        """Parse an item; raises WireError if it is none."""

    def key(self, parsed: Any) -> str:
        """Return what identifies the series of an object: not its uid, which a successor of the same name does not share."""


class MessageShape:
    """A thin message, from protobuf or from JSON.

    Attributes:
        message: its class.
    """

    def __init__(self, message: type[Message]) -> None:
        """Take the class of the message."""
        self.message = message

    @property
    def name(self) -> str:
        """The name of the message."""
        return str(self.message.DESCRIPTOR.name)

    def parse(self, codec: Codec, item: Raw) -> Any:
        """Parse an item as the message."""
        return codec.parse(item, self.message)

    def key(self, parsed: Any) -> str:
        """Return namespace and name."""
        return f"{parsed.metadata.namespace}/{parsed.metadata.name}"
