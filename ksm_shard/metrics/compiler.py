"""Compiles the families of a resource into one function that renders an object.

The function consists of the f-strings that a careful author would write by hand. Its source is kept in `linecache`, as attrs does,
so tracebacks and debuggers show it. If a family raises, only that family of that object is lost: its text is "", and the callback
`failed` receives the error.
"""

import linecache
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.labels import labels_of, picker
from ksm_shard.metrics.text import SMALL, escape, number

Failed = Callable[[Family, Exception], None]
Duplicated = Callable[[int], None]
Noted = Callable[[Family | None, str], None]
# Most values are small, so the look-up in SMALL stands inline: a call of `number` would cost 0.05 us, 30 times a pod.
NUMBER: Final = "{small(v) or num(v)}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """The renderer of a resource.

    Attributes:
        families: the families that are on, in the order of their declaration.
        live: indices of the families that can have samples; a family whose allowlist is empty has none.
        render: takes a thin message and returns one text for each live family, with a line for each sample, newline included.
            Raises whatever reading the identity labels raises.
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
    """Compile families of a resource into its renderer.

    Args:
        resource: declares the identity labels and the view.
        families: the families that are on.
        failed: called with a family and an error when the family raises, and for a counter below zero, which is still written.
        duplicated: called with the number of series, or of items of a part, that repeat earlier ones; the first one is written.
        noted: called by statements of a FamilySource for each value that gives no sample, with the reason.
        labels_allowlist: patterns of the keys that families of labels show; if empty, these families have no samples.
        annotations_allowlist: the same for families of annotations.
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
    # Making a pod's view takes 5 to 7 us, kube_pod_info 2 us. With only that family on, an unused view took most of the time.
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
            "except MemoryError: raise",  # no fault of the object: the process ends
            "except Exception as error:",
            f"    add(''); failed(family{index}, error)",
        ]
    body[prelude:prelude] = source.prelude() if source is not None else []
    text = "\n".join(["def render(obj):", *_indented([*body, "return texts"]), ""])
    where = f"<families of {resource.name}>"
    entry = linecache.cache[where] = (len(text), None, text.splitlines(keepends=True), where)
    exec(compile(text, where, "exec"), scope)  # noqa: S102  the only exec in the house; its source is ours alone
    weakref.finalize(scope["render"], _forget, where, entry)
    return Compiled(tuple(families), tuple(live), scope["render"], text)


def _forget(where: str, entry: object) -> None:
    """Remove the source of a renderer that is no more, unless another one of the resource has replaced it."""
    if linecache.cache.get(where) is entry:
        del linecache.cache[where]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _statements(family: Family, index: int, subject: str, ids: str) -> list[str]:
    """Return source that appends the samples of one family to `text`.

    Args:
        family: the family.
        index: number of the family, which the names of its function and key picker contain.
        subject: variable of the object, or of the item of a part.
        ids: variable of the identity labels of the subject.

    Generates loops instead of comprehensions, which before Python 3.12 are calls (0.2 us, sixty times a pod), and looks for
    repeated rows only if there are several rows.
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
    """Return source that reports a negative counter, which OpenMetrics forbids and the text format allows."""
    if family.type != "counter" or family.shape not in {"value", "rows"}:
        return []
    error = "ValueError(f'expected a count of at least 0, got {v}')"
    return [f"if not v >= 0: failed(family{index}, {error})"]


def _row(family: Family, names: list[str], start: str) -> list[str]:
    """Return source that appends one row, whose label values are in the variables `names`."""

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
    # Search all values of a row at once for characters to escape (0.12 us), not each value by itself (0.1 us apiece).
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
    """Return source of the identity labels.

    A field name without a dot belongs to the metadata; in the labels of a part, to the item itself.
    """
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
    """Removes repeated series of an object.

    The first one is kept. Repeated tolerations and container names are legal.
    """

    def __init__(self, duplicated: Duplicated) -> None:
        self._duplicated = duplicated

    def items(self, items: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Drop items of a part that have the same labels as an earlier item."""
        seen: dict[str, Any] = {}
        for ids, item in items:
            seen.setdefault(ids, item)
        if len(seen) != len(items):
            self._duplicated(len(items) - len(seen))
        return list(seen.items())

    def infos(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Drop rows that repeat an earlier row."""
        if len(kept := dict.fromkeys(rows)) == len(rows):
            return rows
        self._duplicated(len(rows) - len(kept))
        return list(kept)

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Drop rows with the labels (all elements but the last) of an earlier row."""
        if len({row[:-1] for row in rows}) == len(rows):
            return rows
        kept: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row in rows:
            kept.setdefault(row[:-1], row)
        self._duplicated(len(rows) - len(kept))
        return list(kept.values())


class _Broken(Iterable[Any]):
    """A part that could not be read; its families all fail with the same error."""

    def __init__(self, error: Exception) -> None:
        self._error: Final = error

    def __iter__(self) -> Iterator[Any]:
        raise self._error
