"""Compile metrics to the statements that a careful author would write.

`metrics/compiler.py` generates the frame around them.

Nothing walks a path or sorts labels when an object comes. The prelude reads what several metrics need, once an object; then
each family, all metrics of one name, collects its samples in `rows`, labels -> value, where the first of a series counts.

at the path      gauge                          info                          stateset
---------------  -----------------------------  ----------------------------  -------------------
a list           a sample an element            one an element with labels    of each element
a map            a sample a value               of itself, one a value        of itself
anything else    its number                     of itself                     of itself
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ksm_shard.custom.code import Names, Suite, indented, literal, split
from ksm_shard.custom.elements import children, elements, lone, members
from ksm_shard.custom.entries import CustomMetric, LabelPath
from ksm_shard.custom.labels import SCOPE, Fixed, Layer, Mixed, expression, labels_of, present
from ksm_shard.custom.paths import Child, Path, outward
from ksm_shard.custom.values import aggregate, at, found, numeric, sample
from ksm_shard.metrics.families import Family
from ksm_shard.metrics.text import escape, number

# What may stand in double quotes in an f-string as it is, before Python 3.12.
PLAIN: Final = re.compile(r"[\w ./:-]*", re.ASCII)
# Flags are frequent in lists: without a call they take a third of the time.
SAMPLE: Final = "n = '1' if x is True else '0' if x is False else sample(x)"


class Statements:
    """Source of the families of one resource.

    Attributes:
        scope: what the statements call.
    """

    scope: Final[Mapping[str, Any]] = {
        **SCOPE,
        "at": at,
        "found": found,
        "sample": sample,
        "lone": lone,
        "numeric": numeric,
        "aggregate": aggregate,
        "num": number,
        "elements": elements,
        "members": members,
        "children": children,
    }

    def __init__(self, metrics: Mapping[str, Sequence[CustomMetric]], own: Mapping[str, str]) -> None:
        """Take the metrics by family, and the labels customresource_*."""
        self._metrics = metrics
        self._own = own
        self._names = Names()
        self._prelude = Suite(self._names)

    def prelude(self) -> list[str]:
        """Return the statements that run once for each object.

        They serve all families whose `statements` were asked for before.
        """
        return self._prelude.lines

    def statements(self, family: Family, variable: str) -> list[str]:
        """Return statements that add the samples of a family to `text`.

        `variable` holds the family, to which problems are attributed.
        """
        metrics = self._metrics[family.name]
        block = Suite(self._names, self._prelude)
        line = f"{family.name}{{{{"
        for metric in metrics:
            _Metric(metric, self._constants(metric), block, self._prelude, self._names, variable).write(
                line if len(metrics) == 1 else ""
            )
        if not any("rows" in one for one in block.lines):
            return block.lines
        return ["rows = {}", *block.lines, f"for t, n in rows.items(): text += f'{line}{{t}}}}}} {{n}}\\n'"]

    def _constants(self, metric: CustomMetric) -> dict[str, str]:
        return {**metric.constants, **{name: text for name, text in self._own.items() if name not in metric.overriding}}


class _Metric:
    """One metric that is being written."""

    def __init__(
        self,
        metric: CustomMetric,
        constants: Mapping[str, str],
        block: Suite,
        prelude: Suite,
        names: Names,
        family: str,
    ) -> None:
        self._metric = metric
        self._block = block
        self._prelude = prelude
        self._names = names
        self._family = family
        self._wild = len(list(split(metric.path))) > 1
        self._around = metric.type == "gauge" and bool(metric.labels) and not self._wild and not metric.aggregate
        self._labels = labels_of(metric, constants, prelude, around=self._around)
        self._alike = not metric.labels and not metric.label_from_key and not any(metric.labels_from_keys)

    def write(self, line: str) -> None:
        """Add the statements to the block.

        `line` begins a sample of the family; it is "" if the family has several metrics.
        """
        if self._wild or self._metric.aggregate:
            self._write_wild()
            return
        value = self._prelude.walk("obj", self._metric.path)
        {"gauge": self._gauge, "info": self._info, "stateset": self._stateset}[self._metric.type](value, line)

    def _gauge(self, value: str, line: str) -> None:
        metric, lines = self._metric, self._block.lines
        if self._alike and not metric.value_from:
            # By far the most gauges: one number, with the labels of the object.
            put = [f"text = f'{line}{self._labels.base}}}}} {{n}}\\n'"] if line else self._put(self._labels.base, "n")
            otherwise = f"lone({value}, {metric.nil_is_zero}, {self._family}, noted, duplicated)"
            lines += [f"n = sample({value}) or {otherwise}", "if n is not None:", *indented(put)]
            return
        lines.append(f"if {value} is None:")
        lines += indented(self._put(self._labels.base, "'0'") if metric.nil_is_zero else [self._noted("nil")])
        rest = Suite(self._names, self._block)
        key, element = self._names.new("k"), self._names.new("e")
        around = rest.set("o", f"{value} if {value}.__class__ is dict else None") if self._around else ""
        strongest = [(one, rest.walk(around, one.path)) for one in metric.labels] if around else []
        rest.lines += ["zeros = []"] if metric.nil_is_zero else []
        rest.lines.append(f"for {key}, {element} in elements({value}):")
        body = Suite(self._names, rest)
        labelled = self._value_of(body, key, element)
        rows = Suite(self._names, body)
        layers = [self._keys([metric.label_from_key], [key], rows), self._own(rows, labelled), strongest]
        content = self._labels.sample(rows, layers)
        # Of a map, as annotations are, many values are no numbers.
        odd = f"if n is None{' and x is not None' if metric.nil_is_zero else ''}"
        body.lines.append(f"{odd}: {value}.__class__ is dict or {self._unread()}; continue")
        rows.lines += [f"if n is None: zeros.append({expression(content)}); continue"] if metric.nil_is_zero else []
        rest.lines += indented([*body.lines, *rows.lines, *self._put(content, "n")])
        # A value that is there counts, wherever it is, and not the 0 of one that is not.
        rest.lines += ["for t in zeros: rows.setdefault(t, '0')"] if metric.nil_is_zero else []
        lines += ["else:", *indented(rest.lines)]

    def _value_of(self, body: Suite, key: str, element: str) -> str:
        """Add statements for the value of an element, x, and its sample, n.

        Return the variable that the labels are read from.
        """
        only = self._metric.value_from[0] if len(self._metric.value_from) == 1 else None
        read = Suite(self._names, body)
        found = read.walk(element, self._metric.value_from)
        if not isinstance(only, Child) or "," in only.name:
            body.lines += [*read.lines, f"x = {found}", SAMPLE]
            return element
        # Of a map the reference reads the field itself, too, which is one of the values here, without labels of its own.
        labelled = self._names.new("e")
        body.lines += [f"if {key} == {only.name!r}: x, {labelled} = {element}, None", "else:"]
        body.lines += indented([*read.lines, f"x, {labelled} = {found}, {element}"])
        body.lines.append(SAMPLE)
        return labelled

    def _info(self, value: str, line: str) -> None:
        del line
        key, element = self._names.new("k"), self._names.new("e")
        body = Suite(self._names, self._block)
        own = self._own(body, element)
        keyed = [f"{key} is not None"] if self._metric.label_from_key else []
        rows = Suite(self._names, body)
        content = self._labels.sample(rows, [self._keys([self._metric.label_from_key], [key], rows), own])
        there = " or ".join([*keyed, present(own)])
        self._block.lines.append(f"for {key}, {element} in members({value}):")
        self._block.lines += indented(
            [*body.lines, f"if {there}:", *indented([*rows.lines, *self._put(content, "'1'")])]
        )

    def _stateset(self, value: str, line: str) -> None:
        plain = all(PLAIN.fullmatch(state) for state in self._metric.states)
        if line and self._alike and plain and isinstance(self._labels, Fixed):
            self._one_hot(value, line)
            return
        element = self._names.new("e")
        body = Suite(self._names, self._block)
        self._states(body, element, [])
        self._block.lines.append(f"for {element} in {value} if {value}.__class__ is list else ({value},):")
        self._block.lines += indented(body.lines)

    def _one_hot(self, value: str, line: str) -> None:
        """Write the states of an object without a loop.

        By far the most statesets have no labels of elements.
        """
        block, states = self._block, self._metric.states
        element = self._names.new("e")
        body = Suite(self._names, block)
        found = body.walk(element, self._metric.value_from)
        body.lines.append(f"if {found}.__class__ is str: now.append({found})")
        body.lines.append(f"elif {found} is not None: {self._noted('not_text')}")
        contents = [
            self._labels.sample(block, [], {self._metric.label_name: literal(escape(state))}) for state in states
        ]
        one_hot = "".join(
            f'{line}{content}}}}} {{"1" if "{state}" in now else "0"}}\\n'
            for state, content in zip(states, contents, strict=True)
        )
        block.lines += ["now = []", f"for {element} in {value} if {value}.__class__ is list else ({value},):"]
        block.lines += [*indented(body.lines), f"if now: text = f'{one_hot}'"]
        block.lines.append(f"if len(now) > 1: duplicated({len(states)} * (len(now) - 1))")

    def _states(self, body: Suite, element: str, layers: Sequence[Layer], outer: Sequence[str] = ()) -> None:
        """Add statements for the states of an element: 1 if any has it."""
        found = self._reached(body, element, self._metric.value_from, outer)
        rows = Suite(self._names, body)
        own = self._own(rows, element, outer)
        states = tuple((state, escape(state)) for state in self._metric.states)
        # Labels that the state may replace are another text for each.
        inner = Suite(self._names, rows) if isinstance(self._labels, Mixed) else rows
        content = self._labels.sample(inner, [*layers, own], {self._metric.label_name: "{q}"})
        rows.lines.append(f"for a, q in {states!r}:")
        rows.lines += indented(
            [
                *(inner.lines if inner is not rows else ()),
                f"t = {expression(content)}",
                "if t in rows: duplicated(1)",
                f"rows[t] = '1' if {found} == a else rows.get(t, '0')",
            ]
        )
        body.lines += [f"if {found}.__class__ is str:", *indented(rows.lines or ["pass"])]
        body.lines.append(f"elif {found} is not None: {self._noted('not_text')}")

    def _write_wild(self) -> None:
        """Write a metric with wildcards, or an aggregate."""
        metric = self._metric
        lines = self._block.lines
        lines += ["groups = {}"] if metric.aggregate else ["some = False"]
        self._loop(self._block, "obj", list(split(metric.path)), [], ["obj"])
        if metric.aggregate:
            lines += ["for t, n in groups.items():", "    if t in rows: duplicated(1)"]
            lines.append(f"    else: rows[t] = num(aggregate({metric.aggregate!r}, n))")
        nothing = "not groups" if metric.aggregate else "not some"
        if metric.type == "gauge":
            zero = metric.nil_is_zero or (metric.aggregate == "count" and self._alike)
            lines.append(f"if {nothing}:")
            lines += indented(self._put(self._labels.base, "'0'") if zero else [self._noted("nil")])

    def _loop(self, block: Suite, start: str, parts: list[Any], keys: list[str], outer: list[str]) -> None:
        """Add a loop for each wildcard; the innermost one has the sample."""
        head, *rest = parts
        value = (self._prelude if start == "obj" else block).walk(start, head)
        whole = not rest and not self._wild  # an aggregate of what is at the path
        if not rest and not whole:
            self._element(block, value, keys, outer[:-1] if not head else outer)
            return
        key, element = self._names.new("k"), self._names.new("e")
        body = Suite(self._names, block)
        if whole:
            self._element(body, element, [key], outer)
        else:
            self._loop(body, element, rest, [*keys, key], [*outer, element])
        source = f"elements({value}) if {value} is not None else ()" if whole else f"children({value})"
        block.lines.append(f"for {key}, {element} in {source}:")
        block.lines += indented(body.lines)

    def _element(self, block: Suite, element: str, keys: list[str], outer: list[str]) -> None:
        """Add the sample of one element that wildcards found."""
        metric = self._metric
        names = metric.labels_from_keys if self._wild else (metric.label_from_key,)
        if not metric.aggregate:
            block.lines.append("some = True")
        if metric.type == "stateset":
            self._states(block, element, [self._keys(names, keys, block)], outer)
            return
        layers = [self._keys(names, keys, block), self._own(block, element, outer)]
        rows = Suite(self._names, block)
        if metric.type == "info":
            content = self._labels.sample(rows, layers)
            there = "True" if any(names) else present(layers[1])
            block.lines += [f"if {there}:", *indented([*rows.lines, *self._put(content, "'1'")])]
            return
        found = self._reached(block, element, metric.value_from, outer)
        if metric.aggregate == "count":
            counted = f"if {found} is not None:" if metric.value_from else "if True:"
            add = [f"groups.setdefault({expression(self._labels.sample(rows, layers))}, []).append(1)"]
            block.lines += [counted, *indented([*rows.lines, *add])]
            return
        block.lines += [f"x = {found}", f"n = {'numeric' if metric.aggregate else 'sample'}(x)"]
        zero = "0" if metric.aggregate else "'0'"
        block.lines += [f"if x is None: n = {zero}"] if metric.nil_is_zero else []
        content = self._labels.sample(rows, layers)
        add = (
            [f"groups.setdefault({expression(content)}, []).append(n)"] if metric.aggregate else self._put(content, "n")
        )
        block.lines += [f"if n is None: {self._unread()}", "else:", *indented([*rows.lines, *add])]

    def _own(self, block: Suite, element: str, outer: Sequence[str] = ()) -> Layer:
        """Return the labels that are read from an element or around it."""
        return [(one, self._reached(block, element, one.path, outer)) for one in self._metric.labels]

    @staticmethod
    def _reached(block: Suite, element: str, path: Path, outer: Sequence[str]) -> str:
        """Return the variable at a path from an element.

        `..` leads to the elements around it.
        """
        ups, rest = outward(path)
        return block.walk(outer[-ups] if ups else element, rest)

    def _keys(self, names: Sequence[str], keys: Sequence[str], block: Suite) -> Layer:
        """Return the labels that have keys; none is of the key ""."""
        return [
            (LabelPath(name, ()), block.set("k", f"{key} or None"))
            for name, key in zip(names, keys, strict=False)
            if name
        ]

    def _put(self, content: str, value: str) -> list[str]:
        text = expression(content)
        name = text if text.isidentifier() else "t"
        begin = [] if name == text else [f"t = {text}"]
        return [*begin, f"if {name} in rows: duplicated(1)", f"else: rows[{name}] = {value}"]

    def _unread(self) -> str:
        return f"noted({self._family}, 'nil' if x is None else 'not_a_number')"

    def _noted(self, reason: str) -> str:
        return f"noted({self._family}, {reason!r})"
