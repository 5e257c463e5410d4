"""The part of each object that the API server is asked for."""

from enum import Enum


class Reading(Enum):
    """How much of each object the API server is asked for."""

    FULL = "whole objects"
    JSON = "whole objects, as JSON"
    METADATA = "PartialObjectMetadata"
    TABLE = "a Table with metadata"
