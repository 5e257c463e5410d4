r"""Find what a PromQL expression reads: its selectors, and the labels that it names.

Not a parser: nothing is evaluated, so only the words count, and brackets where they give a word its meaning. So what a dashboard
writes is read as well, with variables of Grafana in any place (`$name`, `${name:format}`, `[[name]]`).

words                                   meaning
--------------------------------------  ------------------------------------------------------
name{...}, {__name__=~"..."}, {"name"}  a selector; the labels of its matchers are read
by, on, group_left, group_right (...)   labels that are read
without, ignoring (...)                 nothing is read: without the label the result is the same
label_replace, label_join, sort_by_*    labels that are read are among the arguments
a name before a bracket, and operators  nothing is read
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

VARIABLE: Final = r"\$\w+|\$\{[^}]*\}|\[\[\w+(?::\w+)?\]\]"
TOKEN: Final = re.compile(
    rf"""
    (?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<range>\[(?:[^\[\]"']|\[\[[^\]]*\]\])*\])
    |(?P<name>(?:[a-zA-Z_:]|{VARIABLE})(?:[a-zA-Z0-9_:]|{VARIABLE})*)
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\w*)
    |(?P<operator>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){{}},@])
    """,
    re.VERBOSE,
)
ANY_VARIABLE: Final = re.compile(VARIABLE)
READ: Final = frozenset({"by", "on", "group_left", "group_right"})
UNREAD: Final = frozenset({"without", "ignoring"})
AGGREGATIONS: Final = frozenset({
    "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk", "count_values", "quantile", "limitk",
    "limit_ratio",
})  # fmt: skip

KEYWORDS: Final = READ | UNREAD | frozenset({"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"})
MATCHES: Final = frozenset({"=", "!=", "=~", "!~"})
# Functions with names of labels among their arguments, and the positions of these.
LABEL_ARGUMENTS: Final = {
    "label_replace": range(3, 4),
    "label_join": range(3, 1000),
    "sort_by_label": range(1, 1000),
    "sort_by_label_desc": range(1, 1000),
}
ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


class UnclearError(ValueError):
    """An expression that is no PromQL; the text says from where on."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector of series.

    Attributes:
        names: what the name has to match: operator of the matcher and its value.
        labels: names of the labels in its matchers.
    """

    names: tuple[tuple[str, str], ...]
    labels: frozenset[str]

    def selects(self, family: str) -> bool:
        """Tell whether series of that name may be selected.

        Without a positive matcher of the name the answer is no: such a selector is about any exporter's series.
        """
        if not any(operator in {"=", "=~"} for operator, _ in self.names):
            return False
        return all(_matches(family, operator, value) for operator, value in self.names)


@dataclass(frozen=True, slots=True)
class Uses:
    """Selectors and labels that an expression reads.

    Attributes:
        selectors: its selectors, in their order.
        labels: names of the labels that it reads besides those in matchers.
    """

    selectors: tuple[Selector, ...]
    labels: frozenset[str]


def uses(expression: str) -> Uses:
    """Return what an expression reads.

    Raises:
        UnclearError: it is no PromQL.
    """
    return _Reader(_tokens(expression)).read()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(expression: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(expression):
        found = TOKEN.match(expression, at)
        if not found:
            raise UnclearError(f"no PromQL from {_shown(expression[at:])} on")
        kind = str(found.lastgroup)
        if kind != "space":
            tokens.append(_Token(kind, found[0]))
        at = found.end()
    return tokens


class _Reader:
    """Goes through the tokens of one expression."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._selectors: list[Selector] = []
        self._labels: set[str] = set()
        self._open: list[
            tuple[str, int]
        ] = []  # for each bracket the function before it, and the number of the argument

    def read(self) -> Uses:
        while self._at < len(self._tokens):
            self._take(self._next())
        if self._open:
            raise UnclearError("a bracket is never closed")
        if not self._tokens:
            raise UnclearError("empty")
        return Uses(tuple(self._selectors), frozenset(self._labels))

    def _take(self, token: _Token) -> None:
        if token.kind == "name":
            self._name(token.text)
        elif token.kind == "string":
            self._argument(unquoted(token.text))
        elif token.text == "{":
            self._selector("")
        elif token.text == "(":
            self._open.append(("", 0))
        elif token.text == "," and self._open:
            function, number = self._open.pop()
            self._open.append((function, number + 1))
        elif token.text == ")":
            if not self._open:
                raise UnclearError("a bracket is closed that was never opened")
            self._open.pop()
        elif token.text in {"}", ","}:
            raise UnclearError(f"{token.text} is in the wrong place")

    def _name(self, name: str) -> None:
        following, word = self._peek(), name.lower()
        if following == "{":
            self._next()
            self._selector(name)
        elif following == "(":
            self._next()
            if word in READ | UNREAD:
                labels = self._listed()
                self._labels |= labels if word in READ else set()
            else:
                self._open.append((word, 0))
        elif word in AGGREGATIONS and following.lower() in {"by", "without"}:
            pass
        elif word not in KEYWORDS and not ANY_VARIABLE.fullmatch(name):
            self._selectors.append(Selector((("=~", _pattern(name)) if _varies(name) else ("=", name),), frozenset()))

    def _selector(self, name: str) -> None:
        """Read the matchers up to the closing brace."""
        names = [("=~", _pattern(name)) if _varies(name) else ("=", name)] if name else []
        labels = set()
        while (token := self._next()).text != "}":
            if token.text == "," or (token.kind == "name" and token.text.lower() == "or"):
                continue
            if self._peek() not in MATCHES:
                if token.kind == "string":  # the name as of Prometheus 3: {"kube.pod.info"}
                    names.append(("=", unquoted(token.text)))
                elif not _varies(token.text):
                    raise UnclearError(f"{token.text} is no matcher of a label")
                continue
            label = unquoted(token.text) if token.kind == "string" else token.text
            operator, value = self._next().text, self._next()
            if value.kind not in {"string", "name"}:
                raise UnclearError(f"{label}{operator}{value.text} is no matcher of a label")
            text = unquoted(value.text) if value.kind == "string" else value.text
            if label == "__name__":
                names.append((operator, text) if not _varies(text) else (operator[0] + "~", _pattern(text)))
            elif not _varies(label):
                labels.add(label)
        self._selectors.append(Selector(tuple(names), frozenset(labels)))

    def _listed(self) -> set[str]:
        """Return the labels between brackets, up to the closing one."""
        labels = set()
        while (token := self._next()).text != ")":
            if token.kind == "string":
                labels.add(unquoted(token.text))
            elif token.kind == "name":
                labels |= set() if _varies(token.text) else {token.text}
            elif token.text != ",":
                raise UnclearError(f"{token.text} is no label")
        return labels

    def _argument(self, text: str) -> None:
        if self._open:
            function, number = self._open[-1]
            if number in LABEL_ARGUMENTS.get(function, ()) and not _varies(text):
                self._labels.add(text)

    def _peek(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _next(self) -> _Token:
        if self._at == len(self._tokens):
            raise UnclearError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]


def unquoted(text: str) -> str:
    """Return the text of a string in any of the three kinds of quotation marks."""
    inside = text[1:-1]
    if text[0] == "`":
        return inside
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), inside)


def _varies(text: str) -> bool:
    return ANY_VARIABLE.search(text) is not None


def _pattern(name: str) -> str:
    """Return a pattern for a name with variables in it, each of which may be any text."""
    return ANY_VARIABLE.sub(".*", name)


def _matches(family: str, operator: str, value: str) -> bool:
    if operator in {"=", "!="}:
        return (family == value) == (operator == "=")
    # Every name matches, so nothing is known of what is meant: a variable alone, or all series there are.
    if operator == "=~" and value in {".*", ".+"}:
        return False
    try:
        return (re.fullmatch(value, family) is not None) == (operator == "=~")
    except re.error:  # syntax that only RE2 has
        return False


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
