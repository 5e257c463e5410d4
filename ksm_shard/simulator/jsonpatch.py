"""JSON patches (RFC 6902): operations at JSON pointers, applied all or none."""

import copy
from typing import Any

from ksm_shard.simulator.errors import ApiError


def patched(old: dict[str, Any], operations: Any) -> dict[str, Any]:
    """Return a copy of an object with the operations applied.

    Raises:
        ApiError: an operation is unknown, its path does not exist, or a test fails.
    """
    root = {"": copy.deepcopy(old)}
    try:
        for operation in operations:
            _apply(root, operation)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(
            422, "Invalid", f"the server rejected our request due to an error in our request: {error}"
        ) from None
    found: dict[str, Any] = root[""]
    return found


def _apply(root: dict[str, Any], operation: dict[str, Any]) -> None:
    parent, last = _place(root, operation["path"])
    match operation["op"]:
        case "add":
            _add(parent, last, copy.deepcopy(operation["value"]))
        case "remove":
            _remove(parent, last)
        case "replace":
            _remove(parent, last)
            _add(parent, last, copy.deepcopy(operation["value"]))
        case "move":
            _add(parent, last, _remove(*_place(root, operation["from"])))
        case "copy":
            source, name = _place(root, operation["from"])
            _add(parent, last, copy.deepcopy(source[_at(source, name)]))
        case "test":
            if parent[_at(parent, last)] != operation["value"]:
                raise ValueError(f"testing value {operation['path']} failed")
        case other:
            raise ValueError(f"Unexpected kind: {other}")


def _place(root: dict[str, Any], pointer: str) -> tuple[Any, str]:
    """Return the container of the value that a pointer names, and the last token of the pointer."""
    *words, last = [word.replace("~1", "/").replace("~0", "~") for word in pointer.split("/")]
    found: Any = root
    for word in words:
        found = found[_at(found, word)]
    return found, last


def _at(parent: Any, word: str) -> Any:
    return int(word) if isinstance(parent, list) else word


def _add(parent: Any, word: str, value: Any) -> None:
    if isinstance(parent, list):
        parent.insert(len(parent) if word == "-" else int(word), value)
    else:
        parent[word] = value


def _remove(parent: Any, word: str) -> Any:
    return parent.pop(_at(parent, word))
