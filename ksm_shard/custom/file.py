"""Read a Custom Resource State file: its entries and all its problems.

Problems are fatal where kube-state-metrics exits, stops serving all custom resources, or writes what Prometheus refuses.
What it passes over without a word, as unknown keys, is reported and passed over here, too.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ksm_shard.custom.entries import ANY, CustomMetric, Entry, LabelPath, Problem
from ksm_shard.custom.nodes import Fields, Node, Nodes
from ksm_shard.custom.paths import Each, Path, Up, around, parse
from ksm_shard.custom.values import AGGREGATES

DIALECT: Final = "ksm-shard/v1"
METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
INVALID: Final = re.compile(r"[^a-zA-Z0-9_]")
DEFAULT_PREFIX: Final = "kube_customresource"
# Labels that every sample has: they say what it is of.
OWN: Final = ("customresource_group", "customresource_kind", "customresource_version")

ENTRY: Final = (
    "groupVersionKind",
    "metricNamePrefix",
    "commonLabels",
    "labelsFromPath",
    "metrics",
    "errorLogV",
    "resourcePlural",
)
METRIC: Final = ("name", "help", "each", "commonLabels", "labelsFromPath", "errorLogV")
BLOCKS: Final = {
    "gauge": ("path", "labelsFromPath", "labelFromKey", "valueFrom", "nilIsZero"),
    "info": ("path", "labelsFromPath", "labelFromKey"),
    "stateSet": ("path", "labelsFromPath", "valueFrom", "labelName", "list"),
}
# What the dialect has besides.
MORE: Final = {
    "entry": ("labelSelector", "fieldSelector"),
    "gauge": ("aggregate", "labelsFromKeys"),
    "info": ("labelsFromKeys",),
    "stateSet": ("labelsFromKeys",),
}
TYPES: Final = {name.lower(): name for name in BLOCKS}

LabelNodes = Mapping[str, tuple[Node, Node]]


def read(text: str | bytes) -> tuple[list[Entry], list[Problem]]:
    """Return the entries and the problems of a file, in its order.

    A fatal problem means that entries are missing.
    """
    file = _File()
    entries = file.entries(text)
    return entries, sorted(set(file.problems))


class _File(Nodes):
    """Reader of one file."""

    def __init__(self) -> None:
        super().__init__()
        self._dialect = False

    def entries(self, text: str | bytes) -> list[Entry]:
        """Return all entries that can be understood."""
        root = self.root(text)
        if root is None:
            return []
        top = self.fields(root, "the file", ("apiVersion", "kind", "metadata", "spec"))
        spec = self.fields(top.get("spec"), "spec", ("resources", "dialect"))
        dialect = self.text(spec.get("dialect"), "dialect")
        if dialect not in {"", DIALECT}:
            self.report(spec["dialect"], f'"{dialect:.60}" is no dialect: there is {DIALECT}')
        self._dialect = bool(dialect)
        if "resources" not in spec:
            self.report(root, "nothing is exported: there is no list spec.resources", fatal=False)
        return [
            entry for node in self.items(spec.get("resources"), "resources") if (entry := self._entry(node)) is not None
        ]

    def _known(self, what: str, known: Sequence[str], node: Node | None, name: str) -> Fields:
        """Return the fields of a map that has more in the dialect."""
        more = MORE[what]
        return self.fields(node, name, (*known, *more) if self._dialect else known, () if self._dialect else more)

    def _entry(self, node: Node) -> Entry | None:
        said = self._known("entry", ENTRY, node, "an entry of resources")
        if not self.is_map(node):
            return None
        kind = self.fields(said.get("groupVersionKind"), "groupVersionKind", ("group", "version", "kind"))
        if "group" not in kind:
            self.report(kind.node or node, 'groupVersionKind needs a group; "" is the core group, of pods and such')
        group = self.text(kind.get("group"), "group")
        if group == ANY:
            self.report(kind["group"], "an entry is about one group: * stands for versions and kinds only")
        for name in ("group", "version", "kind"):
            if "/" in (word := self.text(kind.get(name), name)) or any(one.isspace() for one in word):
                self.report(kind[name], f'"{word:.60}" is no {name}')
        self.integer(said.get("errorLogV"), "errorLogV")
        self.text(said.get("resourcePlural"), "resourcePlural")
        prefix = self.text(said.get("metricNamePrefix"), "metricNamePrefix", DEFAULT_PREFIX)
        constants = self._constants(said)
        for name in OWN:
            if name in constants:
                self.report(
                    self.pairs(said.get("commonLabels"), "commonLabels")[name][0],
                    f"{name} is set by the object here; the commonLabels of a metric can replace it",
                    fatal=False,
                )
        common = {name: text for name, text in constants.items() if name not in OWN}
        base = self.pairs(said.get("labelsFromPath"), "labelsFromPath")
        self._paths(base, depth=None)
        nodes = self.items(said.get("metrics"), "metrics")
        metrics = [metric for one in nodes if (metric := self._metric(one, prefix, common, base)) is not None]
        if node is not None and not nodes and said:
            self.report(node, "the entry has no metrics", fatal=False)
        return Entry(
            group,
            self.text(kind.get("version"), "version") or ANY,
            self.text(kind.get("kind"), "kind") or ANY,
            tuple(metrics),
            self.text(said.get("labelSelector"), "labelSelector") if self._dialect else "",
            self.text(said.get("fieldSelector"), "fieldSelector") if self._dialect else "",
            node.start_mark.line + 1,
            node.start_mark.column + 1,
        )

    def _metric(self, node: Node, prefix: str, common: Mapping[str, str], base: LabelNodes) -> CustomMetric | None:
        said = self.fields(node, "a metric", METRIC)
        if not self.is_map(node):
            return None
        name = self.text(said.get("name"), "name")
        full = f"{prefix}_{name}" if prefix else name
        if not METRIC_NAME.fullmatch(full):
            self.report(said.get("name") or node, f'"{full:.60}" is no name of a metric: letters, digits, _ and : are')
        elif "name" not in said:
            self.report(node, "the metric has no name", fatal=False)
        self.integer(said.get("errorLogV"), "errorLogV")
        own = self._constants(said)
        each = self.fields(said.get("each"), "each", ("type", *BLOCKS))
        word = self.text(each.get("type"), "type")
        block = TYPES.get(word.lower())
        if block is None:
            wrong = f'"{word:.60}" is no type' if word else "each needs a type"
            self.report(each.get("type") or each.node or node, f"{wrong}: there are Gauge, Info and StateSet")
            return None
        for other in BLOCKS:
            if other in each and other != block:
                self.report(each.keys_at[other], f"{other} is ignored, as the type is {word}", fatal=False)
        if block not in each or each[block].tag.endswith(":null"):
            self.report(each.keys_at.get(block) or each["type"], f"the type is {word}, and there is no {block}")
            return None
        labels = self._paths({**base, **self.pairs(said.get("labelsFromPath"), "labelsFromPath")}, depth=None)
        return self._block(
            block,
            self._known(block, BLOCKS[block], each[block], block),
            CustomMetric(
                full,
                self.text(said.get("help"), "help"),
                block.lower(),
                {**common, **own},
                frozenset(own),
                labels,
                line=node.start_mark.line + 1,
                column=node.start_mark.column + 1,
            ),
        )

    def _block(self, block: str, said: Fields, metric: CustomMetric) -> CustomMetric:
        path = self._path(said.get("path"), "path", depth=0, wild=True)
        depth = sum(isinstance(step, Each) for step in path)
        keys = tuple(self.texts(said.get("labelsFromKeys"), "labelsFromKeys")) if self._dialect else ()
        if len(keys) > depth:
            self.report(said["labelsFromKeys"], f'{len(keys)} labels for the keys of {depth} "*" in the path')
        for name in filter(None, keys):
            self._label_name(said["labelsFromKeys"], name)
        aggregate = self.text(said.get("aggregate"), "aggregate") if self._dialect and block == "gauge" else ""
        if aggregate and aggregate not in AGGREGATES:
            self.report(said["aggregate"], f'"{aggregate:.60}" is no aggregate: there are {", ".join(AGGREGATES)}')
        key = self.text(said.get("labelFromKey"), "labelFromKey")
        if key:
            self._label_name(said["labelFromKey"], key)
        if key and depth:
            self.report(said["labelFromKey"], 'a path with "*" has labelsFromKeys, one for each, instead')
        return CustomMetric(
            metric.name,
            metric.help,
            metric.type,
            metric.constants,
            metric.overriding,
            metric.base,
            path,
            self._path(said.get("valueFrom"), "valueFrom", around(path)),
            self._paths(self.pairs(said.get("labelsFromPath"), "labelsFromPath"), around(path)),
            key,
            keys,
            self.flag(said.get("nilIsZero"), "nilIsZero"),
            *self._states(said, block),
            aggregate=aggregate,
            line=metric.line,
            column=metric.column,
        )

    def _states(self, said: Fields, block: str) -> tuple[str, tuple[str, ...]]:
        if block != "stateSet":
            return "", ()
        name = self.text(said.get("labelName"), "labelName")
        self._label_name(said.get("labelName") or said.node, name, "labelName")
        states = self.texts(said.get("list"), "list")
        if not states:
            self.report(said.get("list") or said.node, "no samples: the list of states is empty", fatal=False)
        for at, state in enumerate(states):
            if state in states[:at]:
                self.report(said["list"].value[at], f'the state "{state:.60}" is there twice', fatal=False)
        return name, tuple(dict.fromkeys(states))

    def _constants(self, said: Fields) -> dict[str, str]:
        found = {}
        for name, (key, child) in self.pairs(said.get("commonLabels"), "commonLabels").items():
            self._label_name(key, name)
            found[name] = self.text(child, f"the label {name:.60}")
        return found

    def _paths(self, labels: LabelNodes, depth: int | None) -> tuple[LabelPath, ...]:
        """Return labels from weak to strong: stars first, sorted by key."""
        found = []
        for key in sorted(labels, key=lambda key: (not _star(key), key)):
            at, child = labels[key]
            path = self._path(child, f"the path of {key:.60}", depth)
            if _star(key):
                prefix = INVALID.sub("_", key[:-1] if key.endswith("*") else "")
                if prefix:
                    self._label_name(at, prefix)
                found.append(LabelPath(prefix, path, star=True))
            else:
                name = INVALID.sub("_", key)
                self._label_name(at, name)
                found.append(LabelPath(name, path))
        return tuple(found)

    def _path(self, node: Node | None, what: str, depth: int | None, *, wild: bool = False) -> Path:
        """Return a path.

        It may begin with at most `depth` times `..`; None is a path from the object.
        """
        segments = self.texts(node, what)
        if node is None or not segments:
            return ()
        try:
            path = parse(tuple(segments), dialect=self._dialect)
        except ValueError as error:
            self.report(node, str(error))
            return ()
        if not self._dialect:
            return path
        if not wild and any(isinstance(step, Each) for step in path):
            self.report(node, '"*" stands in the path of a metric only; labels and values are read from what it finds')
            return ()
        if (ups := sum(isinstance(step, Up) for step in path)) > (depth or 0):
            self.report(node, f'{ups} ".." lead further out than to the object')
            return ()
        return path

    def _label_name(self, node: Node | None, name: str, what: str = "") -> None:
        if node is not None and (not LABEL_NAME.fullmatch(name) or name == "__name__"):
            if what and not name:
                self.report(node, f"{what} is missing")
                return
            self.report(node, f'"{name:.60}" is no name of a label: letters, digits and _ are, but no digit first')


def _star(key: str) -> bool:
    return key.startswith("*") or key.endswith("*")
