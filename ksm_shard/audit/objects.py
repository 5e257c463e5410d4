"""Kubernetes objects that carry rules and dashboards."""

from collections.abc import Iterator
from typing import Any


def members(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document: those of a List, or the document itself."""
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if isinstance(items, list) and str(document.get("kind", "")).endswith("List"):
        for item in items:
            yield from members(item)
    else:
        yield document


def embedded(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and text of the files in a ConfigMap."""
    data = one.get("data")
    if one.get("kind") == "ConfigMap" and isinstance(data, dict):
        for key, text in data.items():
            if isinstance(text, str):
                yield str(key), text
