"""Compile the families of a resource into one function from an object to texts, the f-strings a careful hand would write.

The generated source is kept in `linecache`, as attrs does, so that tracebacks and debuggers show it. A family that raises
costs that family of that object, nothing more: `failed` hears of it and its text is "".
"""

import linecache
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.labels import labels_of, picker
from ksm_shard.metrics.text import escape, number

Failed = Callable[[Family, Exception], None]
Duplicated = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The renderer of a resource.

    Attributes:
        families: those that are on, in the order they are declared.
        live: indices of those among them that can have samples.
        render: from a thin message to one text for each live family, each sample a line with its newline. Raises what
            reading the identity labels raises.
        source: the generated Python.
    """

    families: tuple[Family, ...]
    live: tuple[int, ...]
    render: Callable[[Any], list[str]]
    source: str


def compile_resource(
    resource: Resource,
    families: Sequence[Family],
    *,
    failed: Failed,
    duplicated: Duplicated,
    labels_allowlist: Sequence[str] = (),
    annotations_allowlist: Sequence[str] = (),
) -> Compiled:
    """Compile those families of the resource.

    Args:
        resource: gives the identity labels and the parts.
        families: the families that are on.
        failed: told of each family that raised.
        duplicated: told how many series, or items of a part, an object repeated; the first one counts.
        labels_allowlist: patterns of the keys that the families of labels show; none: those families have no samples.
        annotations_allowlist: the same for annotations.
    """
    allowed = {"labels": labels_allowlist, "annotations": annotations_allowlist, "": ("*",)}
    live = [index for index, family in enumerate(families) if allowed[family.allowlist]]
    scope: dict[str, Any] = {
        "esc": escape,
        "num": number,
        "Q": '"',
        "B": "\\",
        "N": "\n",
        "keyed": _keyed,
        "pair": _pair,
        "once": _Once(duplicated),
        "failed": failed,
        "view": resource.view,
        "Broken": _Broken,
    }
    body = ["obj = view(obj)"] if resource.view is not None else []
    body += [f"ids = f'{_pairs(resource.labels, 'obj')}'"]
    parts = list(dict.fromkeys(part for index in live if (part := families[index].part) is not None))
    for at, part in enumerate(parts):
        scope[f"items{at}"] = part.items
        body += [
            "try:",
            f"    part{at} = once.items([(f'{{ids}},{_pairs(part.labels, 'item')}', item) for item in items{at}(obj)])",
            "except Exception as error:",
            f"    part{at} = Broken(error)",
        ]
    for index in live:
        family = families[index]
        scope |= {f"family{index}": family, f"fn{index}": family.function}
        if family.shape == "mapping":
            scope[f"pick{index}"] = picker(allowed[family.allowlist])
        expression = _expression(family, index)
        if family.part is not None:
            at = parts.index(family.part)
            expression = f"''.join([{expression} for ids, obj in part{at}]) if part{at} else ''"
        body += [
            "try:",
            f"    add({expression})",
            "except Exception as error:",
            f"    add(''); failed(family{index}, error)",
        ]
    source = "def render(obj):\n    texts = []; add = texts.append\n    " + "\n    ".join(body) + "\n    return texts\n"
    where = f"<families of {resource.plural}>"
    linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)
    exec(compile(source, where, "exec"), scope)  # noqa: S102  the only exec in the house; its source is ours alone
    return Compiled(tuple(families), tuple(live), scope["render"], source)


def _expression(family: Family, index: int) -> str:
    """Return the source of an expression for the text of one family of `obj` with the identity labels `ids`."""
    call = f"fn{index}(obj)"
    if family.shape == "value":
        return f"'' if (v := {call}) is None else f'{family.name}{{{{{{ids}}}}}} {{num(v)}}\\n'"
    if family.shape == "one_hot":
        return f"f'{_one_hot(family, family.labels[0], '')}' if (now := {call}) else ''"
    if family.shape == "mapping":
        keyed = f'{{keyed("{family.prefix}", pick{index}(m))}}'
        return f"'' if (m := {call}) is None else f'{family.name}{{{{{{ids}}{keyed}}}}} 1\\n'"
    names = [f"l{at}" for at in range(len(family.labels))]
    last = {"states": ["now"], "rows": ["v"]}.get(family.shape, [])
    if family.shape == "states":
        names.pop()

    if family.sparse:
        pairs = "".join(f'{{pair("{label}", {name})}}' for label, name in zip(family.labels, names, strict=True))
        chosen = f"f'{family.name}{{{{{{ids}}{pairs}}}}} {'{num(v)}' if last else '1'}\\n'"
        return _for_rows(chosen, names, last, call)

    def line(value: str) -> str:
        static = "".join(f',{label}="{value.format(name)}"' for label, name in zip(family.labels, names, strict=False))
        if family.shape == "states":
            return _one_hot(family, family.labels[-1], static)
        return f"{family.name}{{{{{{ids}}{static}}}}} {'{num(v)}' if family.shape == 'rows' else '1'}\\n"

    # One look at all values of a row together (0.12 us) instead of one at each (0.1 us apiece).
    together = names[0] if len(names) == 1 else f"(t := {' + '.join(names)})"
    again = names[0] if len(names) == 1 else "t"
    clean = f"Q not in {together} and B not in {again} and N not in {again}"
    chosen = f"f'{line('{{{}}}')}' if {clean} else f'{line('{{esc({})}}')}'" if names else f"f'{line('')}'"
    return _for_rows(chosen, names, last, call)


def _for_rows(line: str, names: list[str], last: list[str], call: str) -> str:
    row = f"({', '.join([*names, *last])},)" if names or last else "_"
    rows = f"once.{'rows' if last else 'infos'}({call})"
    return f"''.join([{line} for {row} in {rows}])"


def _one_hot(family: Family, label: str, static: str) -> str:
    return "".join(
        f'{family.name}{{{{{{ids}}{static},{label}="{state}"}}}} {{"1" if now == "{state}" else "0"}}\\n'
        for state in family.states
    )


def _pairs(labels: dict[str, str], variable: str) -> str:
    """Return the source of identity labels; a bare field name is one of the metadata (of the item itself, for parts)."""
    paths = (
        (label, f"{variable}.{path}" if "." in path or variable == "item" else f"{variable}.metadata.{path}")
        for label, path in labels.items()
    )
    return ",".join(f'{label}="{{esc({path})}}"' for label, path in paths)


def _keyed(prefix: str, pairs: Iterable[tuple[str, str]]) -> str:
    return "".join([f',{name}="{escape(value)}"' for name, value in labels_of(prefix, pairs)])


def _pair(label: str, value: str | None) -> str:
    return "" if value is None else f',{label}="{escape(value)}"'


class _Once:
    """Write each series of an object once, with its first value: repeated tolerations and container names are legal."""

    def __init__(self, duplicated: Duplicated) -> None:
        self._duplicated = duplicated

    def items(self, items: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Leave out the items of a part whose labels an earlier item has."""
        if len(items) < 2:
            return items
        seen: dict[str, Any] = {}
        for ids, item in items:
            seen.setdefault(ids, item)
        if len(seen) != len(items):
            self._duplicated(len(items) - len(seen))
        return list(seen.items())

    def infos(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Leave out rows that repeat an earlier one."""
        if len(rows) < 2 or len(kept := dict.fromkeys(rows)) == len(rows):
            return rows
        self._duplicated(len(rows) - len(kept))
        return list(kept)

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Leave out rows whose labels, all but the last element, repeat those of an earlier one."""
        if len(rows) < 2 or len({row[:-1] for row in rows}) == len(rows):
            return rows
        kept: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row in rows:
            kept.setdefault(row[:-1], row)
        self._duplicated(len(rows) - len(kept))
        return list(kept.values())


class _Broken(Iterable[Any]):
    """A part that could not be read: each family that needs it fails with the same error."""

    def __init__(self, error: Exception) -> None:
        self._error: Final = error

    def __iter__(self) -> Iterator[Any]:
        raise self._error
