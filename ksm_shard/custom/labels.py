"""Generate the source of labels.

As much as possible is decided when the file is read, not for each sample.

From weak to strong, each layer replacing those before where it is not null:

    commonLabels, customresource_*       literals in the source
    labelsFromPath of the object         read once an object, shared by all metrics that write the same
    labelName, labelFromKey              known where a sample is made
    labelsFromPath of the element        read for each element

Written sorted by name. `customresource_group` is always among them, so that what sorts before it ends in a comma and what sorts
after it begins with one. Where copied keys may replace other labels, all meet in a dict instead (`Mixed`).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from ksm_shard.custom.code import Suite, literal
from ksm_shard.custom.entries import CustomMetric, LabelPath
from ksm_shard.custom.values import label
from ksm_shard.metrics.text import escape

ANCHOR: Final = "customresource_group"
INVALID: Final = re.compile(r"[^a-zA-Z0-9_]")
# Labels of a sample that are searched together: Python's parser does not follow a sum for ever.
TOGETHER: Final = 16
VARIABLE: Final = re.compile(r"\{(\w+)\}")

# Labels of one strength, each with the variable that has its value, None where there is none.
Layer = Sequence[tuple[LabelPath, str]]
Noted = Callable[[Any, str], None]


def quoted(value: Any) -> str:
    """Return a JSON value as the escaped text of a label."""
    return escape(value if value.__class__ is str else label(value))


# Cached: the objects of a cluster repeat their keys.
@lru_cache(maxsize=65536)
def copied_name(prefix: str, key: str) -> str:
    """Return the label name of a copied key.

    `_` is put before a beginning that Prometheus refuses.
    """
    name = INVALID.sub("_", prefix + key)
    return f"_{name}" if not name or name[0].isdigit() or name == "__name__" else name


# Cached (0.6 us less for three keys): many objects have the same keys.
@lru_cache(maxsize=1024)
def copied_names(prefix: str, keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the label names of copied keys in order, each with its key.

    Of keys that become one name the last in order counts.
    """
    return tuple(sorted({copied_name(prefix, key): key for key in sorted(keys)}.items()))


def copied(prefix: str, value: Any, noted: Noted) -> dict[str, str]:
    """Return label names and escaped texts of a map, in the order of the names."""
    if value.__class__ is not dict:
        return {}
    names = copied_names(prefix, tuple(value))
    if len(names) != len(value):
        noted(None, "label_collision")
    return {name: quoted(value[key]) for name, key in names}


def before(prefix: str, value: Any, noted: Noted) -> str:
    """Return a map as labels that sort before the anchor."""
    return "".join([f'{name}="{text}",' for name, text in copied(prefix, value, noted).items()])


def after(prefix: str, value: Any, noted: Noted) -> str:
    """Return a map as labels that sort after the anchor."""
    return "".join([f',{name}="{text}"' for name, text in copied(prefix, value, noted).items()])


def joined(names: Mapping[str, str]) -> str:
    """Return the labels of a dict, sorted."""
    return ",".join([f'{name}="{names[name]}"' for name in sorted(names)])


SCOPE: Final[Mapping[str, Any]] = {
    "quoted": quoted,
    "copied": copied,
    "before": before,
    "after": after,
    "joined": joined,
}


def labels_of(
    metric: CustomMetric, constants: Mapping[str, str], prelude: Suite, *, around: bool = False
) -> "Fixed | Mixed":
    """Return the writer of the labels of a metric.

    Args:
        metric: whose labels these are.
        constants: the labels that are known, customresource_* included.
        prelude: the statements that run once an object.
        around: whether the map around an element has labels for it, too.
    """
    paths = [*metric.base, *metric.labels]
    stars = [one.name for one in paths if one.star]
    named = {*constants, *(one.name for one in paths if not one.star), *given(metric)}
    apart = not any(
        name.startswith(star) for at, star in enumerate(stars) for name in (*named, *stars[:at], *stars[at + 1 :])
    )
    copies_around = around and any(one.star for one in metric.labels)
    replaced = any(one.name == metric.label_name for one in metric.labels)
    kind = Mixed if not apart or copies_around or replaced else Fixed
    return kind(metric, constants, prelude)


def given(metric: CustomMetric) -> list[str]:
    """Return the names of labels that no path reads."""
    return [name for name in (metric.label_name, metric.label_from_key, *metric.labels_from_keys) if name]


def present(layer: Layer) -> str:
    """Return the condition that any of the labels is there."""
    conditions = [
        f"({value}.__class__ is dict and {value})" if one.star else f"{value} is not None" for one, value in layer
    ]
    return " or ".join(conditions) or "False"


class Fixed:
    """Labels whose names and order are known.

    Names of copied keys have a prefix that no other name has.

    Attributes:
        base: f-string content for a sample that has no labels but those of the object.
    """

    def __init__(self, metric: CustomMetric, constants: Mapping[str, str], prelude: Suite) -> None:
        """Add to the prelude what the labels need of the object."""
        self._prelude = prelude
        self._of_object = {name: _written(name, literal(escape(text))) for name, text in constants.items()}
        base = [(one, prelude.walk("obj", one.path)) for one in metric.base]
        values, runs = self._values([base], prelude)
        self._of_object.update({**runs, **self._texts(values, {}, prelude)})
        self.base = self.sample(prelude, [])

    def sample(self, block: Suite, layers: Sequence[Layer], states: Mapping[str, str] | None = None) -> str:
        """Return f-string content of the labels of a sample.

        Args:
            block: statements are added where the values of the layers are known.
            layers: labels of the sample, from weak to strong.
            states: f-string contents of labels that are weaker than those.
        """
        values, runs = self._values(layers, block)
        weakest = {name: _written(name, text) for name, text in (states or {}).items()}
        if not 0 < len(values) <= TOGETHER or states:
            return self._joined({**weakest, **runs, **self._texts(values, weakest, block)})
        # By far the most labels are texts without a character to escape: one search for all, and no call for each.
        texts = self._joined({**runs, **{name: _written(name, f"{{{value}}}") for name, value in values.items()}})
        rest = block.inner()
        content = self._joined({**runs, **self._texts(values, {}, rest)})
        found = block.either("t", _plain(list(values.values())), expression(texts), rest, expression(content))
        return f"{{{found}}}"

    def _joined(self, own: Mapping[str, str]) -> str:
        """Return f-string content of the labels of the object and those of a sample, by their order."""
        pieces: list[str] = []
        neighbours: list[str] = []  # the same for all samples of an object: joined once
        for name in sorted({*self._of_object, *own}):
            if name in own:
                pieces += [self._shared(neighbours), own[name]]
                neighbours = []
            else:
                neighbours.append(self._of_object[name])
        return "".join([*pieces, self._shared(neighbours)])

    def _values(self, layers: Sequence[Layer], block: Suite) -> tuple[dict[str, str], dict[str, str]]:
        """Return the variable of the value of each label, and f-string content of copied keys by their prefix."""
        candidates: dict[str, list[str]] = {}
        runs: dict[str, str] = {}
        for layer in layers:
            for one, value in layer:
                if one.star:
                    side = "before" if one.name < ANCHOR else "after"
                    runs[one.name] = f"{{{block.set('s', f'{side}({one.name!r}, {value}, noted)')}}}"
                else:
                    candidates.setdefault(one.name, []).append(value)
        return {name: _strongest(found, block) for name, found in candidates.items()}, runs

    def _texts(self, values: Mapping[str, str], weakest: Mapping[str, str], block: Suite) -> dict[str, str]:
        """Return f-string content by label name."""
        contents: dict[str, str] = {}
        for name, value in values.items():
            text = expression(_written(name, f"{{quoted({value})}}"))
            weaker = expression(weakest.get(name, self._of_object.get(name, "")))
            found = block.set("l", f"{text} if {value} is not None else {weaker}")
            contents[name] = f"{{{found}}}"
        return contents

    def _shared(self, pieces: Iterable[str]) -> str:
        content = "".join(pieces)
        if "{" not in content or VARIABLE.fullmatch(content):
            return content
        return f"{{{self._prelude.set('r', expression(content))}}}"


class Mixed:
    """Labels that copied keys may replace.

    They meet in a dict, from weak to strong, and are sorted for each sample.

    Attributes:
        base: f-string content for a sample that has no labels but those of the object.
    """

    def __init__(self, metric: CustomMetric, constants: Mapping[str, str], prelude: Suite) -> None:
        """Add to the prelude what the labels need of the object."""
        texts = {name: escape(text) for name, text in constants.items()}
        base = [(one, prelude.walk("obj", one.path)) for one in metric.base]
        self._dict = prelude.build("d", repr(texts), _updates([base]))
        self.base = f"{{{prelude.set('t', f'joined({self._dict})')}}}"

    def sample(self, block: Suite, layers: Sequence[Layer], states: Mapping[str, str] | None = None) -> str:
        """Return f-string content of the labels of a sample, as Fixed does."""
        weakest = [("", f"[{name!r}] = {expression(text)}") for name, text in (states or {}).items()]
        labels = block.build("d", f"{self._dict}.copy()", [*weakest, *_updates(layers)])
        return f"{{{block.set('t', f'joined({labels})')}}}"


def _strongest(values: Sequence[str], block: Suite) -> str:
    """Return the variable of the last of some values that is not null."""
    found, *others = values
    for value in others:
        found = block.set("u", f"{found} if {value} is None else {value}")
    return found


def _plain(values: Sequence[str]) -> str:
    """Return the condition that all values are texts that need no escape."""
    classes = " is ".join([*(f"{value}.__class__" for value in values), "str"])
    whole = values[0] if len(values) == 1 else f"(p := {' + '.join(values)})"
    name = values[0] if len(values) == 1 else "p"
    return f"""{classes} and '"' not in {whole} and '\\\\' not in {name} and '\\n' not in {name}"""


def _updates(layers: Sequence[Layer]) -> list[tuple[str, str]]:
    """Return updates that add labels to a dict.

    An update is the text before and the text after the name of the dict.
    """
    return [
        ("", f".update(copied({one.name!r}, {value}, noted))")
        if one.star
        else (f"if {value} is not None: ", f"[{one.name!r}] = quoted({value})")
        for layer in layers
        for one, value in layer
    ]


def _written(name: str, text: str) -> str:
    """Return the f-string content of a label, with its comma."""
    if name == ANCHOR:
        return f'{name}="{text}"'
    return f'{name}="{text}",' if name < ANCHOR else f',{name}="{text}"'


def expression(content: str) -> str:
    """Return the expression of f-string content."""
    variable = VARIABLE.fullmatch(content)
    if variable:
        return variable[1]
    return f"f'{content}'" if "{" in content else f"'{content}'"
