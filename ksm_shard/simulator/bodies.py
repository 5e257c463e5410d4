"""Reads the body of a request: an object or options, as JSON or protobuf, or a patch."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ksm_shard.simulator import errors, jsonpatch, patches, protobuf
from ksm_shard.simulator.decoding import decoded, sealed
from ksm_shard.simulator.formats import JSON, PROTOBUF
from ksm_shard.simulator.resources import ServedResource
from ksm_shard.wire.frames import WireError

MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
DELETE_OPTIONS: Final = f"{protobuf.META}.DeleteOptions"


@dataclass(slots=True)
class Request:
    """An HTTP request; `query` holds the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = JSON
    content_type: str = JSON
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            ApiError: the body is not a JSON object.
        """
        value = self.value()
        if not isinstance(value, dict):
            raise errors.bad_request("the object provided is unrecognized: expected a JSON object")
        return value

    def value(self) -> Any:
        """Return the body as a JSON value.

        Raises:
            ApiError: the body is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise errors.bad_request(f"the object provided is unrecognized: json parse error: {error}") from None


def read(request: Request, resource: ServedResource) -> dict[str, Any]:
    """Return the object in a body, which is JSON or protobuf."""
    message = protobuf.message_name(resource.group, resource.version, resource.kind)
    if request.content_type == PROTOBUF and message:
        api_version, kind, data = _unsealed(request, message)
    elif request.content_type == JSON:
        data = request.json()
        api_version, kind = data.pop("apiVersion", ""), data.pop("kind", "")
    else:
        raise errors.unsupported(request.content_type, *[JSON, *([PROTOBUF] if message else [])])
    if (api_version, kind) != (resource.api_version, resource.kind):
        raise errors.bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
    return data


def patch_of(request: Request, resource: ServedResource) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that applies the patch in a body to an object.

    A strategic merge patch needs Go types, which custom resources do not have.
    """
    message = protobuf.message_name(resource.group, resource.version, resource.kind)
    if request.content_type == JSON_PATCH:
        operations = request.value()
        return lambda old: jsonpatch.patched(old, operations)
    if request.content_type == MERGE_PATCH:
        patch = request.json()
        return lambda old: dict(patches.merged(old, patch))
    if request.content_type == STRATEGIC_PATCH and message:
        patch = request.json()
        return lambda old: patches.strategic(old, patch, message)
    raise errors.unsupported(request.content_type, JSON_PATCH, MERGE_PATCH, *([STRATEGIC_PATCH] if message else []))


def grace(request: Request) -> int | None:
    """Return the grace period of a DELETE in seconds.

    The body names the period, or the query if there is no body.
    """
    if not request.body:
        text = request.query.get("gracePeriodSeconds")
        if text is not None and not text.isdecimal():
            raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        return None if text is None else int(text)
    options = _unsealed(request, DELETE_OPTIONS)[2] if request.content_type == PROTOBUF else request.json()
    found: int | None = options.get("gracePeriodSeconds")
    return found


def _unsealed(request: Request, message: str) -> tuple[str, str, dict[str, Any]]:
    try:
        api_version, kind, raw = sealed(request.body)
        return api_version, kind, decoded(message, raw)
    except WireError as error:
        raise errors.bad_request(f"the object provided is unrecognized: {error}") from None
