"""Generated Python: paths as look-ups, each look-up made once, and texts as literals of f-strings."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ksm_shard.custom.paths import Child, Each, Equal, Find, Path, Step

# What an f-string in single quotes cannot hold as it is; backslashes are doubled by unicode_escape.
BRACES: Final = str.maketrans({"{": "{{", "}": "}}", "'": "\\'"})


def literal(text: str) -> str:
    """Return what stands for a text in an f-string that is in single quotes."""
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
    """Statements, and the variables that they have set: what is looked up twice is looked up once.

    Attributes:
        lines: the statements.
    """

    def __init__(self, names: Names, around: "Suite | None" = None) -> None:
        """Begin a block, whose variables come after those of the block around it."""
        self.lines: list[str] = []
        self._names = names
        self._around = around
        self._known: dict[object, str] = {}

    def set(self, kind: str, expression: str) -> str:
        """Return the variable that has the value of an expression, set in this block or around it."""
        found = self.known(expression)
        if found is None:
            found = self._known[expression] = self._names.new(kind)
            self.lines.append(f"{found} = {expression}")
        return found

    def known(self, expression: object) -> str | None:
        """Return the variable that has the value of an expression already."""
        return self._known.get(expression) or (self._around.known(expression) if self._around else None)

    def build(self, kind: str, expression: str, updates: Sequence[tuple[str, str]]) -> str:
        """Return the variable that begins as an expression and is updated: what stands before its name, and after."""
        key = (expression, *updates)
        found = self.known(key)
        if found is None:
            found = self._known[key] = self._names.new(kind)
            self.lines += [f"{found} = {expression}", *(f"{left}{found}{right}" for left, right in updates)]
        return found

    def walk(self, start: str, path: Path) -> str:
        """Return the variable that has the value at a path, which has no wildcards, from the value of `start`."""
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
    """Yield the parts of a path between its wildcards, the last one after all of them."""
    part: list[Step] = []
    for step in path:
        if isinstance(step, Each):
            yield tuple(part)
            part = []
        else:
            part.append(step)
    yield tuple(part)
