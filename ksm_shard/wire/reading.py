"""The amount of each object to request from the API server."""

from enum import Enum


class Reading(Enum):
    """The representation that lists and watches request.

    The value is the name shown to users.
    """

    FULL = "whole objects"
    METADATA = "PartialObjectMetadata"
    TABLE = "a Table with metadata"
