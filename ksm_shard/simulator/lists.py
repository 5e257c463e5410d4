"""Lists in pages, all at the resource version of the first page.

Source: Kubernetes documentation, API concepts, "Retrieving large results sets".
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from ksm_shard.simulator.errors import bad_request, expired_list, too_large
from ksm_shard.simulator.formats import Format
from ksm_shard.simulator.objects import Expired, Key, Objects
from ksm_shard.simulator.resources import ServedResource
from ksm_shard.simulator.selection import Selection


def page(
    objects: Objects, resource: ServedResource, selection: Selection, written: Format, query: Mapping[str, str]
) -> bytes:
    """Return the body of a list request: all objects, or the page that limit and continue select.

    Raises:
        ApiError: 400 for an invalid query, 410 for a compacted version, 504 for a future version.
    """
    start: Key = ("", "")
    if query.get("continue"):
        version, start = _read(query["continue"])
    else:
        version = _version(objects, query)
    try:
        with objects.lock:
            present = objects.shelf(resource.storage).at(version)
    except Expired:
        raise expired_list() from None
    found = selection.filter(present)
    first = next((at for at, stored in enumerate(found) if stored.key > start), len(found)) if start[1] else 0
    limit = _number(query, "limit") or len(found)
    meta: dict[str, Any] = {"resourceVersion": str(version)}
    if selection.shard_selector:
        meta["shardInfo"] = {"selector": selection.shard_selector}
    chosen = found[first : first + limit]
    left = len(found) - first - len(chosen)
    if left > 0:
        meta["continue"] = _token(version, chosen[-1].key)
        if not (query.get("fieldSelector") or query.get("labelSelector") or query.get("shardSelector")):
            meta["remainingItemCount"] = (
                left  # a real server cannot count objects of a filtered list that it has not read
            )
    return written.many(chosen, meta)


def _version(objects: Objects, query: Mapping[str, str]) -> int:
    current = objects.version
    asked = _number(query, "resourceVersion")
    if asked > current:
        raise too_large(asked, current)
    return asked if query.get("resourceVersionMatch") == "Exact" and asked else current


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name) or "0"
    if not text.isdecimal():
        raise bad_request(f'invalid {name}: Invalid value: "{text}": expected a whole number')
    return int(text)


def _token(version: int, last: Key) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(last)}
    return base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")


def _read(token: str) -> tuple[int, Key]:
    try:
        value = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, _, name = value["start"].rpartition("/")
        return int(value["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise bad_request("invalid continue token: continue key is not valid") from None
