"""Kubernetes objects in the files of a directory: *.jsonl, *.json and *.yaml, single or in lists."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from ksm_shard.files import yaml_fault
from ksm_shard.simulator import goyaml

ENDINGS: Final = frozenset({".jsonl", ".json", ".yaml", ".yml"})
TOO_DEEP: Final = "is nested too deeply for an object"


def read(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a directory's files, each with its place; lists are split into items.

    Each object has apiVersion and kind, which are texts.

    Raises:
        OSError: the directory or a file cannot be read.
        ValueError: a value in a file is not an object; the text names the file and, where there are lines, the line.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS)
    if not files:
        raise ValueError(f"{folder}: expected files *.jsonl, *.json or *.yaml in there")
    for path in files:
        for place, value in _values(path):
            for item in _items(place, _object(place, value)):
                yield place, _object(place, item)


def _object(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(
        value.get(key) and isinstance(value[key], str) for key in ("kind", "apiVersion")
    ):
        raise ValueError(f"{place}: expected an object with apiVersion and kind, got {str(value)[:60]!r}")
    return value


def _items(place: str, value: dict[str, Any]) -> list[Any]:
    """Return the items of a list, else the object itself.

    Items of a PodList lack kind and apiVersion: they are Pods, of the list's apiVersion.
    """
    kind, items = value["kind"], value.get("items")
    named = isinstance(value.get("metadata"), dict) and "name" in value["metadata"]
    if not kind.endswith("List") or (items is None and named):  # a custom kind may be called IPAllowList
        return [value]
    if not isinstance(items, list):
        raise ValueError(f"{place}: expected a list of items in a {kind}")  # noqa: TRY004  the file's fault
    if kind == "List":
        return items
    meant = {"apiVersion": value["apiVersion"], "kind": kind.removesuffix("List")}
    return [{**meant, **item} if isinstance(item, dict) else item for item in items]


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from None
    if path.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield f"{path}:{number}", _json(f"{path}:{number}", line)
    elif path.suffix == ".json":
        yield str(path), _json(str(path), text)
    else:
        try:
            for document in goyaml.documents(text):
                yield str(path), document
        except yaml.YAMLError as error:
            raise ValueError(f"{path}: is not YAML: {yaml_fault(error)}") from None
        except RecursionError:
            raise ValueError(f"{path}: {TOO_DEEP}") from None


def _json(place: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{place}: no JSON: {error}") from None
    except RecursionError:
        raise ValueError(f"{place}: {TOO_DEEP}") from None
