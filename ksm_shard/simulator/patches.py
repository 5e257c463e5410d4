"""Applies the bodies of PATCH requests without modifying the old value.

The new value shares unchanged parts with the old one.

application/merge-patch+json             RFC 7386; a list replaces a list
application/json-patch+json              RFC 6902: jsonpatch.py
application/strategic-merge-patch+json   sent by kubectl for built-in kinds: lists merge by a key of their items, and directives
                                         delete, replace and order items (apimachinery, util/strategicpatch)
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ksm_shard.simulator import protobuf
from ksm_shard.simulator.errors import bad_request
from ksm_shard.simulator.tags import merging
from ksm_shard.wire.convert import inlined

DIRECTIVE: Final = "$patch"
RETAIN: Final = "$retainKeys"
ORDER: Final = "$setElementOrder/"
DELETE: Final = "$deleteFromPrimitiveList/"


def merged(old: Any, patch: Any) -> Any:
    """Return a value with a merge patch applied."""
    if not isinstance(patch, dict):
        return patch
    found = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def strategic(old: dict[str, Any], patch: dict[str, Any], message: str) -> dict[str, Any]:
    """Return an object with a strategic merge patch applied.

    `message` is the full protobuf name of the object's kind.

    Raises:
        ApiError: a directive is unknown, or an item lacks the merge key of its list.
    """
    return _map(old, patch, protobuf.message_class(message).DESCRIPTOR)


def _map(old: dict[str, Any], patch: dict[str, Any], kind: Any) -> dict[str, Any]:
    if DIRECTIVE in patch:
        return _directed(patch)
    kept = patch.get(RETAIN)
    found = {name: value for name, value in old.items() if kept is None or name in kept}
    for name, value in patch.items():
        if name.startswith(DELETE):
            name = name.removeprefix(DELETE)  # noqa: PLW2901  from here on the field, without the directive
            if name in found:
                found[name] = [one for one in found[name] if one not in value]
        elif value is None:
            found.pop(name, None)
        elif not _is_directive(name):
            found[name] = _value(found.get(name), value, kind, name)
    for name, order in patch.items():
        field = name.removeprefix(ORDER)
        if name.startswith(ORDER) and isinstance(found.get(field), list):
            found[field] = _ordered(found[field], order, old.get(field) or [], _identity(_strategies(kind, field)[1]))
    return found


def _directed(patch: dict[str, Any]) -> dict[str, Any]:
    """Return the value that a patch with a directive leaves.

    For replace that is the content of the patch, for delete nothing.
    """
    directive = patch[DIRECTIVE]
    if directive not in {"delete", "replace"}:
        raise bad_request(f"unknown patch type: {directive!r}")
    return {name: _plain(value) for name, value in patch.items() if directive == "replace" and not _is_directive(name)}


def _value(old: Any, value: Any, kind: Any, name: str) -> Any:
    strategies, key = _strategies(kind, name)
    if isinstance(old, dict) and isinstance(value, dict):
        return value if "replace" in strategies else _map(old, value, _message(kind, name))
    if isinstance(old, list) and isinstance(value, list) and "merge" in strategies:
        return _list(old, value, _message(kind, name), key)
    return _plain(value)


def _list(old: list[Any], patch: list[Any], kind: Any, key: str) -> list[Any]:
    identity = _identity(key)
    if not key:
        return _ordered(list(dict.fromkeys([*old, *patch])), patch, old, identity)
    gone = {identity(item) for item in patch if item.get(DIRECTIVE) == "delete"}
    before = {} if any(item.get(DIRECTIVE) == "replace" for item in patch) else {identity(item): item for item in old}
    found = {name: item for name, item in before.items() if name not in gone}
    given = [item for item in patch if DIRECTIVE not in item]
    for item in given:
        name = identity(item)
        found[name] = _map(found[name], item, kind) if name in found else _plain(item)
    return _ordered([*found.values()], given, list(before.values()), identity)


def _ordered(items: list[Any], order: Sequence[Any], old: Sequence[Any], identity: Callable[[Any], Any]) -> list[Any]:
    """Return items in the order of a patch.

    Items that `order` names come in its order. All others keep their order, and stay before the named items that they preceded in
    the old list.
    """
    wanted = {identity(item): at for at, item in enumerate(order)}
    before = {identity(item): at for at, item in enumerate(old)}
    named = sorted((item for item in items if identity(item) in wanted), key=lambda item: wanted[identity(item)])
    others = [item for item in items if identity(item) not in wanted]
    found = []
    while others and named:
        other, one = before.get(identity(others[0])), before.get(identity(named[0]))
        found.append((others if other is not None and one is not None and other < one else named).pop(0))
    return found + others + named


def _identity(key: str) -> Callable[[Any], Any]:
    def identity(item: Any) -> Any:
        if not key:
            return item
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item!r:.80} does not contain declared merge key: {key}")
        return item[key]

    return identity


def _plain(value: Any) -> Any:
    """Return a new value of a patch, without directives and nulls."""
    if isinstance(value, list):
        return [_plain(one) for one in value if not (isinstance(one, dict) and DIRECTIVE in one)]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None and not _is_directive(name)}
    return value


def _is_directive(name: str) -> bool:
    return name in {DIRECTIVE, RETAIN} or name.startswith((ORDER, DELETE))


def _strategies(kind: Any, name: str) -> tuple[frozenset[str], str]:
    return merging(_declaring(kind, name).full_name, name) if kind is not None else (frozenset(), "")


def _message(kind: Any, name: str) -> Any:
    """Return the descriptor of a field's message; of a map, of its values.

    Return None for a scalar field.
    """
    field = _declaring(kind, name).fields_by_name.get(name) if kind is not None else None
    inner = None if field is None else field.message_type
    return inner.fields_by_name["value"].message_type if inner is not None and inner.GetOptions().map_entry else inner


def _declaring(kind: Any, name: str) -> Any:
    """Return the message that declares a field: the kind itself, or one that Go embeds in it."""
    for field in kind.fields:
        if inlined(field) and name in field.message_type.fields_by_name and name not in kind.fields_by_name:
            return field.message_type
    return kind
