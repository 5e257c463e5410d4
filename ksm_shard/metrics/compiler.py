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
from ksm_shard.metrics.text import SMALL, escape, number

Failed = Callable[[Family, Exception], None]
Duplicated = Callable[[int], None]
Noted = Callable[[Family | None, str], None]
# Most values are small: the look-up that `number` would make is written in place, without a call (0.05 us, 30 times a pod).
NUMBER: Final = "{small(v) or num(v)}"


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
    noted: Noted = lambda _family, _reason: None,
    labels_allowlist: Sequence[str] = (),
    annotations_allowlist: Sequence[str] = (),
) -> Compiled:
    """Compile those families of the resource.

    Args:
        resource: gives the identity labels and the parts.
        families: the families that are on.
        failed: told of each family that raised, and of each count below zero, which is written nevertheless.
        duplicated: told how many series, or items of a part, an object repeated; the first one counts.
        noted: told by statements of a FamilySource of each value that gives no sample, and why.
        labels_allowlist: patterns of the keys that the families of labels show; none: those families have no samples.
        annotations_allowlist: the same for annotations.
    """
    allowed = {"labels": labels_allowlist, "annotations": annotations_allowlist, "": ("*",)}
    live = [index for index, family in enumerate(families) if allowed[family.allowlist]]
    scope: dict[str, Any] = {
        "esc": escape,
        "small": SMALL.get,
        "num": number,
        "keyed": _keyed,
        "pair": _pair,
        "once": _Once(duplicated),
        "failed": failed,
        "view": resource.view,
        "Broken": _Broken,
    }
    body = ["texts = []; add = texts.append"]
    # Looking at a pod takes 5 to 7 us, kube_pod_info 2 us: with that alone on, most of the time went into a view for nobody.
    looks = resource.view is not None and any(families[index].viewed for index in live)
    body += ["obj = view(obj)"] if looks else []
    body += [f"ids = f'{_pairs(resource.labels, 'obj')}'"] if resource.labels else []
    source = resource.source() if resource.source is not None else None
    if source is not None:
        scope |= {**source.scope, "duplicated": duplicated, "noted": noted}
    parts = list(dict.fromkeys(part for index in live if (part := families[index].part) is not None))
    for at, part in enumerate(parts):
        scope[f"items{at}"] = part.items
        pair = f"(f'{{ids}},{_pairs(part.labels, 'item')}', item)"
        body += [
            "try:",
            f"    part{at} = [{pair} for item in items{at}(obj)]",
            f"    if len(part{at}) > 1: part{at} = once.items(part{at})",
            "except Exception as error:",
            f"    part{at} = Broken(error)",
        ]
    prelude = len(body)
    for index in live:
        family = families[index]
        scope |= {f"family{index}": family, f"fn{index}": family.function}
        if family.shape == "mapping":
            scope[f"pick{index}"] = picker(allowed[family.allowlist])
        if family.shape == "source" and source is not None:
            statements = source.statements(family, f"family{index}")
        elif family.part is None:
            statements = _statements(family, index, "obj", "ids")
        else:
            statements = [f"for of, item in part{parts.index(family.part)}:"]
            statements += _indented(_statements(family, index, "item", "of"))
        body += [
            "try:",
            *_indented(["text = ''", *statements, "add(text)"]),
            "except MemoryError: raise",  # not the fault of the object: the process ends
            "except Exception as error:",
            f"    add(''); failed(family{index}, error)",
        ]
    body[prelude:prelude] = source.prelude() if source is not None else []
    text = "\n".join(["def render(obj):", *_indented([*body, "return texts"]), ""])
    where = f"<families of {resource.name}>"
    linecache.cache[where] = (len(text), None, text.splitlines(keepends=True), where)
    exec(compile(text, where, "exec"), scope)  # noqa: S102  the only exec in the house; its source is ours alone
    return Compiled(tuple(families), tuple(live), scope["render"], text)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _statements(family: Family, index: int, subject: str, ids: str) -> list[str]:
    """Return the source that adds one family of the object or item `subject`, whose labels are in `ids`, to `text`.

    Statements, as a comprehension is a call of its own before Python 3.12 (0.2 us, sixty times a pod), and rows are looked
    at for repetitions only where there are several.
    """
    call = f"fn{index}({subject})"
    start = f"{family.name}{{{{{{{ids}}}"
    if family.shape == "value":
        return [
            f"v = {call}",
            "if v is not None:",
            *_indented([*_check(family, index), f"text += f'{start}}}}} {NUMBER}\\n'"]),
        ]
    if family.shape == "one_hot":
        return [f"now = {call}", f"if now: text += f'{_one_hot(family, start, family.labels[0])}'"]
    if family.shape == "mapping":
        keyed = f'{{keyed("{family.prefix}", pick{index}(m))}}'
        return [f"m = {call}", f"if m is not None: text += f'{start}{keyed}}}}} 1\\n'"]
    names = [f"l{at}" for at in range(len(family.labels) - (family.shape == "states"))]
    last = {"states": ["now"], "rows": ["v"]}.get(family.shape, [])
    return [
        f"rows = {call}",
        f"if len(rows) > 1: rows = once.{'rows' if last else 'infos'}(rows)",
        f"for {', '.join([*names, *last])}{',' if names or last else '_'} in rows:",
        *_indented([*_check(family, index), *_row(family, names, start)]),
    ]


def _check(family: Family, index: int) -> list[str]:
    """Return the source that tells of a value which a counter cannot have in OpenMetrics; in text it may be any."""
    if family.type != "counter" or family.shape not in {"value", "rows"}:
        return []
    error = "ValueError(f'expected a count of at least 0, got {v}')"
    return [f"if not v >= 0: failed(family{index}, {error})"]


def _row(family: Family, names: list[str], start: str) -> list[str]:
    """Return the source that adds one row, whose label values are in the variables `names`."""

    def add(pairs: str) -> str:
        if family.shape == "states":
            return f"text += f'{_one_hot(family, start + pairs, family.labels[-1])}'"
        return f"text += f'{start}{pairs}}}}} {NUMBER if family.shape == 'rows' else '1'}\\n'"

    labels = list(zip(family.labels, names, strict=False))
    if family.sparse:
        return [
            add(
                "".join(
                    f'{{pair("{label}", {name})}}' if label in family.sparse else f',{label}="{{esc({name})}}"'
                    for label, name in labels
                )
            )
        ]
    if not names:
        return [add("")]
    escaped = "".join(f',{label}="{{esc({name})}}"' for label, name in labels)
    plain = "".join(f',{label}="{{{name}}}"' for label, name in labels)
    # One look at all values of a row together (0.12 us) instead of one at each (0.1 us apiece).
    return [
        f"t = {' + '.join(names)}",
        """if '"' in t or '\\\\' in t or '\\n' in t:""",
        f"    {add(escaped)}",
        "else:",
        f"    {add(plain)}",
    ]


def _one_hot(family: Family, start: str, label: str) -> str:
    return "".join(f'{start},{label}="{state}"}}}} {{"1" if now == "{state}" else "0"}}\\n' for state in family.states)


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
        seen: dict[str, Any] = {}
        for ids, item in items:
            seen.setdefault(ids, item)
        if len(seen) != len(items):
            self._duplicated(len(items) - len(seen))
        return list(seen.items())

    def infos(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Leave out rows that repeat an earlier one."""
        if len(kept := dict.fromkeys(rows)) == len(rows):
            return rows
        self._duplicated(len(rows) - len(kept))
        return list(kept)

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Leave out rows whose labels, all but the last element, repeat those of an earlier one."""
        if len({row[:-1] for row in rows}) == len(rows):
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
