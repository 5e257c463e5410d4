"""Read YAML nodes, which know their line and column.

Readers collect all problems instead of raising the first.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import yaml

from ksm_shard.custom.entries import Problem

# Ten times as fast where PyYAML was built with libyaml, and the same positions.
LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Node = yaml.Node
MERGE: Final = "tag:yaml.org,2002:merge"
NULL: Final = "tag:yaml.org,2002:null"
BOOL: Final = "tag:yaml.org,2002:bool"
INT: Final = "tag:yaml.org,2002:int"
TRUE: Final = frozenset({"true", "yes", "on", "y"})
FALSE: Final = frozenset({"false", "no", "off", "n"})
KINDS: Final = {yaml.ScalarNode: "a text", yaml.SequenceNode: "a list", yaml.MappingNode: "a map"}


class Nodes:
    """Reader of nodes as maps, lists and scalars.

    Attributes:
        problems: what was wrong, in the order found.
    """

    def __init__(self) -> None:
        """Begin without problems."""
        self.problems: list[Problem] = []

    def root(self, text: str | bytes) -> Node | None:
        """Return the first document of a text; None without any."""
        try:
            if isinstance(text, bytes):
                text = text.decode("utf-8-sig")
            documents: Iterator[Node] = yaml.compose_all(text, LOADER)
            root = next(documents, None)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self.problems.append(Problem(*where, f"no YAML: {error.problem or error.context}"))
            return None
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
            self.problems.append(Problem(1, 1, f"no YAML: {' '.join(str(error).split()):.200}"))
            return None
        if root is None:
            self.problems.append(Problem(1, 1, "the file is empty"))
            return None
        try:
            more = next(documents, None)
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
            more = root
        if more is not None:
            self.problems.append(Problem(1, 1, "there are several documents: only the first is read", fatal=False))
        return root

    def report(self, node: Node | None, text: str, *, fatal: bool = True) -> None:
        """Note a problem with a node; None is the whole file."""
        where = (node.start_mark.line + 1, node.start_mark.column + 1) if node is not None else (1, 1)
        self.problems.append(Problem(*where, text, fatal))

    def fields(self, node: Node | None, what: str, known: Sequence[str], elsewhere: Sequence[str] = ()) -> "Fields":
        """Return the fields of a map; report unknown ones.

        Args:
            node: None and null are an empty map.
            what: the map, for the text of problems.
            known: names of fields.
            elsewhere: names that would be known in the dialect.
        """
        found = Fields(node)
        for key, child in self._pairs(node, what):
            if key.value in elsewhere:
                self.report(key, f"{key.value} needs spec.dialect: ksm-shard/v1, and is ignored without", fatal=False)
            elif key.value not in known:
                self.report(
                    key,
                    f"{_quoted(key.value)} is not known in {what} and ignored{_hint(key.value, known)}",
                    fatal=False,
                )
            found[key.value] = child
            found.keys_at[key.value] = key
        return found

    def is_map(self, node: Node | None) -> bool:
        """Return whether a node is a map, or nothing."""
        return node is None or _null(node) or isinstance(node, yaml.MappingNode)

    def pairs(self, node: Node | None, what: str) -> dict[str, tuple[Node, Node]]:
        """Return the nodes of keys and values, by key.

        For maps whose keys are up to the user.
        """
        return {key.value: (key, child) for key, child in self._pairs(node, what) if self._whole(key)}

    def items(self, node: Node | None, what: str) -> list[Node]:
        """Return the elements of a list; null is an empty one."""
        if node is None or _null(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.report(node, f"expected {what} to be a list, got {_kind(node)}")
            return []
        return list(node.value)

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """Return a text; numbers and bools are taken as written."""
        if node is None or _null(node):
            return default
        if not isinstance(node, yaml.ScalarNode):
            self.report(node, f"expected {what} to be a text, got {_kind(node)}")
            return default
        return str(node.value) if self._whole(node) else default

    def texts(self, node: Node | None, what: str) -> list[str]:
        """Return a list of texts."""
        return [self.text(item, f"each of {what}") for item in self.items(node, what)]

    def flag(self, node: Node | None, what: str) -> bool:
        """Return a bool, in any of YAML's words; null is false."""
        if node is None or _null(node):
            return False
        word = node.value.lower() if isinstance(node, yaml.ScalarNode) and not node.style else None
        if word not in TRUE | FALSE:
            self.report(node, f"expected {what} to be true or false, got {_kind(node)}")
        return word in TRUE

    def integer(self, node: Node | None, what: str) -> None:
        """Check that there is an integer, or nothing."""
        if node is not None and not _null(node) and node.tag != INT:
            self.report(node, f"expected {what} to be an integer, got {_kind(node)}")

    def _pairs(self, node: Node | None, what: str, within: tuple[int, ...] = ()) -> list[tuple[Node, Node]]:
        """Return keys and values, those of merged maps (`<<`) first."""
        if node is None or _null(node):
            return []
        if not isinstance(node, yaml.MappingNode) or id(node) in within:
            self.report(node, f"expected {what} to be a map, got {_kind(node)}")
            return []
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, child in node.value:
            if key.tag == MERGE:
                for one in child.value if isinstance(child, yaml.SequenceNode) else [child]:
                    for pair in self._pairs(one, "what is merged", (*within, id(node))):
                        merged.setdefault(pair[0].value, pair)
            elif not isinstance(key, yaml.ScalarNode):
                self.report(key, f"expected the keys of {what} to be texts, got {_kind(key)}")
            elif key.value in own:
                self.report(key, f"{_quoted(key.value)} is there twice")
            else:
                own[key.value] = (key, child)
        return list({**merged, **own}.values())

    def _whole(self, node: Node) -> bool:
        try:
            str(node.value).encode()
        except UnicodeEncodeError:
            self.report(node, "half of a surrogate pair is no character")
            return False
        return True


class Fields(dict[str, Node]):
    """The values of a map by their keys.

    Attributes:
        node: the map itself.
        keys_at: the nodes of the keys.
    """

    def __init__(self, node: Node | None) -> None:
        """Begin without fields."""
        super().__init__()
        self.node = node
        self.keys_at: dict[str, Node] = {}


def _null(node: Node) -> bool:
    return bool(node.tag == NULL)


def _kind(node: Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return _quoted(node.value) if node.value else "nothing"
    return KINDS[type(node)]


def _quoted(text: Any) -> str:
    return f'"{text!s:.60}"'.encode("utf-8", "replace").decode()


def _hint(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
