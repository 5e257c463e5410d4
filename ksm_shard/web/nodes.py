"""YAML into fields as Go's yaml.v2 does it, strictly: a scalar is a text as it is written, unknown and repeated keys are errors."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

from ksm_shard.files import yaml_fault
from ksm_shard.metrics.durations import nanoseconds

NULL: Final = "tag:yaml.org,2002:null"
# The booleans of YAML 1.1.
TRUE: Final = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
FALSE: Final = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})

Field = Callable[[yaml.Node, str], Any]


class BadConfig(Exception):
    """A configuration, or a file that it names, is not right; the text is one line that says where and why."""


def first_document(content: bytes) -> yaml.Node | None:
    """Return the root of the first document; None where there is none.

    Raises:
        BadConfig: it is not YAML.
    """
    try:
        loader = yaml.SafeLoader(content.decode())
        try:
            return loader.get_node() if loader.check_node() else None
        finally:
            loader.dispose()
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadConfig(f"is not YAML: {yaml_fault(error)}") from None


def fields(node: yaml.Node | None, where: str, known: Mapping[str, Field]) -> dict[str, Any]:
    """Read a mapping of known keys; one whose value is null is as if it were not there.

    Raises:
        BadConfig: it is no mapping, has another key, or one twice, or with a value of another kind.
    """
    found: dict[str, Any] = {}
    for key, value in pairs(node, where):
        at = _at(where, key)
        if key not in known:
            raise BadConfig(f"{at}: no such key; there are {', '.join(known)}")
        if value.tag != NULL:
            found[key] = known[key](value, at)
    return found


def pairs(node: yaml.Node | None, where: str) -> list[tuple[str, yaml.Node]]:
    """Return the keys and values of a mapping; none where it is null or absent."""
    if node is None or node.tag == NULL:
        return []
    if not isinstance(node, yaml.MappingNode):
        raise BadConfig(_at(where, "must be keys and values"))
    try:
        yaml.SafeLoader("").flatten_mapping(node)  # `<<`
    except yaml.YAMLError as error:
        raise BadConfig(_at(where, yaml_fault(error))) from None
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = text(key, _at(where, "a key"))
        if name in found:
            raise BadConfig(f"{_at(where, name)}: is there twice")
        found[name] = value
    return list(found.items())


def _at(where: str, what: str) -> str:
    """Return what is in a part of the file, which is "" for the whole."""
    return f"{where}: {what}" if where else what


def section(node: yaml.Node, where: str) -> yaml.Node:
    """Take a node as it is, to be read later."""
    del where
    return node


def text(node: yaml.Node, where: str) -> str:
    """Read a scalar as it is written; null as ""."""
    if not isinstance(node, yaml.ScalarNode):
        raise BadConfig(f"{where}: must be a single value")
    return "" if node.tag == NULL else str(node.value)


def texts(node: yaml.Node, where: str) -> dict[str, str]:
    """Read a mapping of texts."""
    return {key: text(value, f"{where}: {key}") for key, value in pairs(node, where)}


def listed(node: yaml.Node, where: str) -> tuple[str, ...]:
    """Read a list of texts."""
    if not isinstance(node, yaml.SequenceNode):
        raise BadConfig(f"{where}: must be a list")
    return tuple(text(item, where) for item in node.value)


def boolean(node: yaml.Node, where: str) -> bool:
    """Read true or false."""
    word = text(node, where)
    if getattr(node, "style", None) or word not in TRUE | FALSE:  # a quoted one is a text
        raise BadConfig(f"{where}: {word!r} must be true or false")
    return word in TRUE


def integer(node: yaml.Node, where: str) -> int:
    """Read a whole number."""
    word = text(node, where)
    if not re.fullmatch(r"[-+]?[0-9]{1,18}", word):
        raise BadConfig(f"{where}: {word!r} must be a whole number")
    return int(word)


def duration(node: yaml.Node, where: str) -> float:
    """Read a duration in seconds: `1m30s`, or a number of nanoseconds."""
    word = text(node, where)
    if re.fullmatch(r"[-+]?[0-9]{1,18}", word) and not getattr(node, "style", None):
        return int(word) / 1e9
    try:
        return nanoseconds(word) / 1e9
    except ValueError as error:
        raise BadConfig(f"{where}: {word!r} {error}") from None
