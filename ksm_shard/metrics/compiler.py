"""Compiles the families of a resource into one function that renders an object.

The function consists of the f-strings that a careful author would write by hand, and takes from templates what many objects say
alike. Its source is kept in `linecache`, as attrs does, so tracebacks and debuggers show it. If a family raises, only that family
of that object is lost: its text is "", and the callback `failed` receives the error.
"""

import linecache
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ksm_shard.metrics.families import Family, FamilySource, Part, Resource
from ksm_shard.metrics.labels import labels_of, picker
from ksm_shard.metrics.once import Duplicated, Once
from ksm_shard.metrics.templates import Failed, Templates
from ksm_shard.metrics.text import SMALL, escape, large

Noted = Callable[[Family | None, str], None]
# Most values are small, so the look-up in SMALL stands inline: a call would cost 0.05 us, 30 times a pod.
NUMBER: Final = "{small(v) or num(v)}"
# Read before several labels, as each read makes an object.
METADATA: Final = "metadata = obj.metadata"
# Families from which on templates are kept. To look one up takes 10 us, a family 0.7.
FEW: Final = 16


@dataclass(frozen=True, slots=True)
class Compiled:
    """The renderer of a resource.

    Attributes:
        families: the families that are on, in the order of their declaration.
        live: indices of the families that can have samples; a family whose allowlist is empty has none.
        render: takes a thin message, and its encoding if that is at hand, and returns one text for each live family, with a line
            for each sample, newline included. Raises whatever reading the identity labels, or making the view, raises.
        source: the generated Python.
    """

    families: tuple[Family, ...]
    live: tuple[int, ...]
    render: Callable[..., list[str]]
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
    live = {index: family for index, family in enumerate(families) if allowed[family.allowlist]}
    used = dict.fromkeys(family.part for family in live.values() if family.part is not None)
    parts = {part: at for at, part in enumerate(used)}
    common = resource.common() if len(live) >= FEW else None
    scope: dict[str, Any] = {
        "esc": escape,
        "small": SMALL.get,
        "num": large,
        "keyed": _keyed,
        "pair": _pair,
        "once": Once(duplicated),
        "failed": failed,
        "view": resource.view,
        "Broken": _Broken,
        **{f"items{at}": part.items for part, at in parts.items()},
        **{f"family{index}": family for index, family in live.items()},
        **{f"fn{index}": family.function for index, family in live.items()},
        **{f"pick{index}": picker(allowed[one.allowlist]) for index, one in live.items() if one.shape == "mapping"},
    }
    source = resource.source() if resource.source is not None else None
    if source is not None:
        scope |= {**source.scope, "duplicated": duplicated, "noted": noted}
    body = ["seen = view(obj)"] if any(family.viewed for family in live.values()) else []
    body += _Writer(live, parts, source, guarded=common is not None).lines()
    ids = [METADATA, f"ids = f'{_pairs(resource.labels, 'obj')}'"] if resource.labels else []
    if common is not None:
        text = _function("write(obj, ids, shared, failed, once, own, texts)", body) + "\n\n"
        text += _function("render(obj, encoded=None)", [*ids, "return templates.texts(obj, encoded, ids)"])
    else:
        text = _function("render(obj, encoded=None)", [*ids, f"texts = [''] * {len(live)}", *body, "return texts"])
    if any(part.shared for part in parts):
        text = _function("shared(obj)", [METADATA, f"return f'{_pairs(resource.shared, 'obj')}'"]) + "\n\n" + text
    where = f"<families of {resource.name}>"
    entry = linecache.cache[where] = (len(text), None, text.splitlines(keepends=True), where)
    exec(compile(text, where, "exec"), scope)  # noqa: S102  the only exec in the house; its source is ours alone
    if common is not None:
        scope["templates"] = Templates(
            tuple(live.values()), common, scope["write"], scope.get("shared"), failed, duplicated
        )
    weakref.finalize(scope["render"], _forget, where, entry)
    return Compiled(tuple(families), tuple(live), scope["render"], text)


def _forget(where: str, entry: object) -> None:
    """Remove the source of a renderer that is no more, unless another one of the resource has replaced it."""
    if linecache.cache.get(where) is entry:
        del linecache.cache[where]


def _function(signature: str, body: Iterable[str]) -> str:
    return "\n".join([f"def {signature}:", *_indented(body), ""])


def _subject(family: Family) -> str:
    """Return the variable of what the function of a family, or of its part, takes."""
    return "seen" if family.viewed else "obj"


class _Writer:
    """Generates the statements that write families."""

    def __init__(
        self, live: Mapping[int, Family], parts: Mapping[Part, int], source: FamilySource | None, *, guarded: bool
    ) -> None:
        """Take the families that have texts, and their parts, by number, and the source of families that are no functions.

        Those that are `guarded` are written where the list `own` says so.
        """
        self._live = live
        self._parts = parts
        self._source = source
        self._own = {index: f"own[{at}]" if guarded else "" for at, index in enumerate(live)}

    def lines(self) -> list[str]:
        """Return source that puts the text of each family into `texts`."""
        body: list[str] = []
        for part, at in self._parts.items():
            families = [index for index, family in self._live.items() if family.part is part]
            shared = ",{shared(obj)}" if part.shared else ""
            pair = f"(f'{{ids}},{_pairs(part.labels, 'item')}{shared}', item)"
            body += self._if_own(
                families,
                [
                    "try:",
                    f"    part{at} = [{pair} for item in items{at}({_subject(self._live[families[0]])})]",
                    f"    if len(dict(part{at})) < len(part{at}): part{at} = once.items(part{at})",
                    "except Exception as error:",
                    f"    part{at} = Broken(error)",
                ],
            )
        statements = [line for index, family in self._live.items() for line in self._family(index, family)]
        # After the statements are known, for which it reads what several need.
        return [*body, *(self._source.prelude() if self._source is not None else []), *statements]

    def _if_own(self, families: Iterable[int], statements: Sequence[str]) -> Sequence[str]:
        conditions = " or ".join(filter(None, (self._own[index] for index in families)))
        return [f"if {conditions}:", *_indented(statements)] if conditions else statements

    def _family(self, index: int, family: Family) -> Sequence[str]:
        if family.shape == "source" and self._source is not None:
            statements = self._source.statements(family, f"family{index}")
        elif family.part is None:
            statements = _statements(family, index, _subject(family), "ids")
        else:
            statements = [f"for of, item in part{self._parts[family.part]}:"]
            statements += _indented(_statements(family, index, "item", "of"))
        return self._if_own(
            [index],
            [
                "try:",
                *_indented(["text = ''", *statements, f"texts[{list(self._live).index(index)}] = text"]),
                "except MemoryError: raise",  # no fault of the object: the process ends
                f"except Exception as error: failed(family{index}, error)",
            ],
        )


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


def _pairs(labels: Mapping[str, str], variable: str) -> str:
    """Return source of the identity labels."""
    return ",".join(f'{label}="{{esc({field})}}"' for label, field in _fields(labels, variable).items())


def _fields(labels: Mapping[str, str], variable: str) -> dict[str, str]:
    """Return source of the value of each identity label.

    A field name without a dot belongs to the metadata; in the labels of a part, to the item itself.
    """
    return {
        label: f"{variable}.{path}" if "." in path or variable == "item" else f"metadata.{path}"
        for label, path in labels.items()
    }


def _keyed(prefix: str, pairs: Iterable[tuple[str, str]]) -> str:
    return "".join([f',{name}="{escape(value)}"' for name, value in labels_of(prefix, pairs)])


def _pair(label: str, value: str | None) -> str:
    return "" if value is None else f',{label}="{escape(value)}"'


class _Broken(Iterable[Any]):
    """A part that could not be read; its families all fail with the same error."""

    def __init__(self, error: Exception) -> None:
        self._error: Final = error

    def __iter__(self) -> Iterator[Any]:
        raise self._error
