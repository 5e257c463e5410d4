"""Look up paths in schemas of custom resource definitions."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ksm_shard.custom.paths import Child, Each, Equal, Find, Path, Step, Up
from ksm_shard.custom.resolve import Served

Schema = Mapping[str, Any]

# Of what is at such a place, nothing is known.
ANYTHING: Final[Schema] = {}
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
FLAG: Final[Schema] = {"type": "boolean"}
TEXTS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}
OWNER: Final[Schema] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("apiVersion", "kind", "name", "uid"), TEXT),
        "controller": FLAG,
        "blockOwnerDeletion": FLAG,
    },
}
# Every object has these, and no definition declares them.
METADATA: Final[Schema] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "namespace", "uid", "resourceVersion", "generateName", "selfLink"), TEXT),
        **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), NUMBER),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), MOMENT),
        "labels": TEXTS,
        "annotations": TEXTS,
        "finalizers": {"type": "array", "items": TEXT},
        "ownerReferences": {"type": "array", "items": OWNER},
        "managedFields": {"type": "array", "items": ANYTHING},
    },
}


class Absent(Exception):
    """Nothing can be at a path; the text has the reason."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A served version with its schema; empty without one."""

    served: Served
    schema: Schema


def definitions(crd: Any) -> Iterator[Definition]:
    """Yield the served versions of a CustomResourceDefinition.

    Raises:
        ValueError: it is none.
    """
    try:
        spec = crd["spec"]
        names = spec["names"]
        for version in spec["versions"]:
            if version.get("served", True):
                schema = (version.get("schema") or {}).get("openAPIV3Schema") or ANYTHING
                namespaced = spec.get("scope", "Namespaced") == "Namespaced"
                group, plural = _text(spec["group"]), _text(names["plural"])
                served = Served(group, _text(version["name"]), _text(names["kind"]), plural, namespaced)
                yield Definition(served, _whole(schema))
    except (KeyError, TypeError, AttributeError):
        raise ValueError(
            "expected a CustomResourceDefinition with spec.group, spec.names and a list spec.versions"
        ) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(schema: Schema) -> Schema:
    """Return the schema with the fields of every object."""
    known = {**(schema.get("properties") or {}), "apiVersion": TEXT, "kind": TEXT, "metadata": METADATA}
    return {**schema, "properties": known} if schema else ANYTHING


def at(schema: Schema, path: Path) -> Schema:
    """Return the schema at a path.

    Raises:
        Absent: nothing can be there.
    """
    for step in path:
        schema = _step(schema, step)
    return schema


def element(schema: Schema) -> Schema:
    """Return the schema of elements of a list or map."""
    if schema.get("type") == "array":
        return schema.get("items") or ANYTHING
    more = schema.get("additionalProperties")
    return more if isinstance(more, Mapping) else ANYTHING


def is_open(schema: Schema) -> bool:
    """Return whether a schema allows any value."""
    return (
        bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        or schema.get("additionalProperties") is True
        or not (schema.get("type") or schema.get("properties"))
    )


def _step(schema: Schema, step: Step) -> Schema:
    if is_open(schema) and not (isinstance(step, Child) and step.name in (schema.get("properties") or {})):
        return ANYTHING
    kind = schema.get("type", "object")
    if isinstance(step, Each):
        if kind not in {"array", "object"}:
            raise Absent(f'"*" finds elements of lists and maps, and this is of type {kind}')
        return element(schema)
    if isinstance(step, Find):
        if kind != "array":
            raise Absent(f'"[{step.key}={step.text}]" finds elements of lists, and this is of type {kind}')
        return _found(element(schema), step)
    return ANYTHING if isinstance(step, Equal | Up) else _field(schema, kind, step)


def _field(schema: Schema, kind: str, step: Child) -> Schema:
    if kind == "array":
        if step.index is None:
            raise Absent(f'"{step.name}" is looked for in a list: [key=value] finds one of its elements')
        return element(schema)
    properties = schema.get("properties") or {}
    if step.name in properties:
        return properties[step.name] or ANYTHING
    if kind != "object" or not isinstance(schema.get("additionalProperties"), Mapping):
        near = difflib.get_close_matches(step.name, properties, n=1)
        there = ", ".join(sorted(properties)[:8]) or f"nothing, as this is of type {kind}"
        raise Absent(f'there is no "{step.name}"' + (f": did you mean {near[0]}?" if near else f"; there is {there}"))
    return element(schema)


def _found(items: Schema, step: Find) -> Schema:
    at(items, (Child(step.key),))
    return items
