"""Generate Python: look-ups for paths, literals for texts.

A look-up that several metrics need is made once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ksm_shard.custom.paths import Child, Each, Equal, Find, Path, Step

# What an f-string in single quotes cannot hold as it is; backslashes are doubled by unicode_escape.
BRACES: Final = str.maketrans({"{": "{{", "}": "}}", "'": "\\'"})


def literal(text: str) -> str:
    """Return the literal of a text in a single-quoted f-string."""
    return text.encode("unicode_escape").decode("ascii").translate(BRACES)


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines of source one level deeper."""
    return [f"    {line}" for line in lines]


class Names:
    """Names of variables that no other part of a function uses."""

    def __init__(self) -> None:
        """Begin with the first."""
        self._count = 0

    def new(self, kind: str) -> str:
        """Return a name that begins with those letters."""
        self._count += 1
        return f"{kind}{self._count}"


class Suite:
    """Statements of a block, and the variables that they set.

    An expression that is needed twice is evaluated once.

    Attributes:
        lines: the statements.
    """

    def __init__(self, names: Names, around: "Suite | None" = None) -> None:
        """Begin a block; its variables come after those around it."""
        self.lines: list[str] = []
        self._names = names
        self._around = around
        self._known: dict[object, str] = {}

    def set(self, kind: str, expression: str) -> str:
        """Return the variable of an expression, setting it if necessary."""
        found = self.known(expression)
        if found is None:
            found = self._known[expression] = self._names.new(kind)
            self.lines.append(f"{found} = {expression}")
        return found

    def known(self, expression: object) -> str | None:
        """Return the variable that an expression was assigned to before."""
        return self._known.get(expression) or (self._around.known(expression) if self._around else None)

    def build(self, kind: str, expression: str, updates: Sequence[tuple[str, str]]) -> str:
        """Return a variable that begins as an expression and is updated.

        An update is the text before and the text after its name.
        """
        key = (expression, *updates)
        found = self.known(key)
        if found is None:
            found = self._known[key] = self._names.new(kind)
            self.lines += [f"{found} = {expression}", *(f"{left}{found}{right}" for left, right in updates)]
        return found

    def inner(self) -> "Suite":
        """Return a suite for a block within this one."""
        return Suite(self._names, self)

    def either(self, kind: str, condition: str, expression: str, rest: "Suite", other: str) -> str:
        """Return a variable that is one expression under a condition, and otherwise, after the rest, another one."""
        found = self._names.new(kind)
        self.lines += [f"if {condition}: {found} = {expression}", "else:"]
        self.lines += indented([*rest.lines, f"{found} = {other}"])
        return found

    def walk(self, start: str, path: Path) -> str:
        """Return the variable at a path without wildcards, read from `start`."""
        for step in path:
            start = self.set("v", look_up(start, step))
        return start


def look_up(variable: str, step: Step) -> str:
    """Return the expression of one step from the value of a variable."""
    if isinstance(step, Child) and step.index is not None:
        return f"at({variable}, {step.name!r}, {step.index})"
    # The root is a map, whatever comes.
    guard = "" if variable == "obj" else f" if {variable}.__class__ is dict else None"
    if isinstance(step, Child):
        return f"{variable}.get({step.name!r}){guard}"
    if isinstance(step, Equal):
        key, text, name = repr(step.key), repr(step.text), repr(step.name)
        return f"({text} if {variable}.get({key}) == {text} else {variable}.get({name})){guard}"
    if isinstance(step, Find):
        return f"found({variable}, {step.key!r}, {step.text!r}, {constant(step.number)}, {step.flag!r})"
    raise TypeError(f"{step} is a wildcard")


def constant(value: float | None) -> str:
    """Return a number as source: infinities and NaN, too."""
    return f"float({str(value)!r})" if isinstance(value, float) and value - value != 0 else repr(value)


def split(path: Path) -> Iterator[Path]:
    """Yield the parts of a path before, between and after wildcards."""
    part: list[Step] = []
    for step in path:
        if isinstance(step, Each):
            yield tuple(part)
            part = []
        else:
            part.append(step)
    yield tuple(part)
