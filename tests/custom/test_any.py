"""Any file, and any object against any valid file: no exception, no series twice, and text that both parsers read."""

import json
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from ksm_shard.custom.file import BLOCKS, DIALECT, METRIC, read
from ksm_shard.custom.file import ENTRY as KEYS_OF_AN_ENTRY
from ksm_shard.custom.resolve import Served
from tests.custom.rendering import Rendered

SERVED = [
    Served("example.org", version, kind, f"{kind.lower()}s", kind == "Thing")
    for version in ("v1", "v2")
    for kind in ("Thing", "Wide")
]

# Few, so that paths lead somewhere.
FIELDS = ("a", "b", "name")
KEYS = st.sampled_from(FIELDS)
TEXTS = st.sampled_from(
    [
        "",
        "x",
        "True",
        "False",
        "5m",
        "1Gi",
        'quo"te',
        "new\nline",
        "back\\slash",
        "{brace}",
        "'",
        "ünï",
        "NaN",
        "-Inf",
        "1e400",
        "2026-01-01T00:00:00Z",
        "\r",
        "\x00",
    ]
)
MORE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXTS, inner, max_size=5),
    max_leaves=20,
)
SCALARS = st.sampled_from([1, 2.5, "5m", "True", "x", "False", None, True, 0])
ELEMENTS = st.fixed_dictionaries({"a": SCALARS, "b": SCALARS}, optional={"name": SCALARS | MORE, "x": MORE})
MAPS = st.fixed_dictionaries(
    {"a": ELEMENTS | st.lists(ELEMENTS | SCALARS, max_size=4) | SCALARS, "b": ELEMENTS | SCALARS},
    optional={"name": ELEMENTS | SCALARS, "0": MORE, "a-b": MORE},
)
OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.just("example.org/v1"),
        "kind": st.sampled_from(["Thing"] * 5 + ["Wide"]),
        "metadata": st.fixed_dictionaries(
            {"name": st.sampled_from(["one", "two"])},
            optional={"namespace": st.just("n"), "labels": MAPS, "finalizers": MORE, "generation": MORE},
        ),
    },
    optional={"spec": MAPS | MAPS | MAPS | MORE, "status": MAPS | MORE, "a": MORE},
)

UNIQUE = st.lists(
    OBJECTS,
    min_size=1,
    max_size=3,
    unique_by=lambda one: (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")),
)

SEGMENTS = (
    KEYS
    | KEYS
    | KEYS
    | st.sampled_from(["-1", "[name=x]", "[a=True]", "[b=]", "a=x", "", "x", "=", "größe", "'", '"', "{a}", "\\"])
)
PATHS = st.lists(SEGMENTS, max_size=2)
ROOTS = st.sampled_from(["spec", "spec", "spec", "spec", "status", "metadata", "", "a"])
WILD = st.lists(SEGMENTS | st.just("*") | st.just("*"), max_size=3)


def rooted(paths: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    """Paths, most of which begin with what there is."""
    return st.builds(lambda root, path: [root, *path] if root else path, ROOTS, paths)


UP = st.builds(lambda ups, path: [".."] * ups + path, st.sampled_from([0, 0, 0, 1]), PATHS)
NAMES = st.sampled_from(
    ["name", "a", "b", "type", "customresource_group", "customresource_version", "z", "label_x", "my-label", "{", "a.b"]
)
PLAIN_NAMES = st.sampled_from(["name", "a", "b", "type", "customresource_kind", "z"])
# Not "**", whose labels may begin with two underscores: Prometheus takes those, prometheus_client does not.
STARS = st.sampled_from(["*", "a_*", "label_*", "z*", "*x", "c*", "customresource_*"])


def labels(paths: st.SearchStrategy[list[str]]) -> st.SearchStrategy[dict[str, Any]]:
    """What labelsFromPath may be."""
    return st.dictionaries(NAMES | STARS, paths, max_size=3)


IDENTITY = {"name": ["metadata", "name"], "namespace": ["metadata", "namespace"]}
COMMON = {
    "commonLabels": st.dictionaries(PLAIN_NAMES, TEXTS, max_size=2),
    "labelsFromPath": st.builds(lambda more, own: more | own, labels(rooted(PATHS)), st.sampled_from([IDENTITY, {}])),
}


def block(*, dialect: bool) -> st.SearchStrategy[dict[str, Any]]:
    """What a gauge, an info or a stateset may be."""
    paths = UP if dialect else PATHS
    optional: dict[str, st.SearchStrategy[Any]] = {
        "path": rooted(WILD if dialect else PATHS),
        "labelsFromPath": labels(paths),
        "labelFromKey": PLAIN_NAMES,
        "valueFrom": paths,
        "nilIsZero": st.booleans(),
        "labelName": PLAIN_NAMES,
        "list": st.lists(TEXTS, max_size=3),
    }
    if dialect:
        del optional["labelFromKey"]
        optional |= {
            "aggregate": st.sampled_from(["count", "sum", "min", "max"]),
            "labelsFromKeys": st.sampled_from([[], [], ["k"], ["", "a"]]),
        }
    return st.fixed_dictionaries({}, optional=optional)


def metrics(*, dialect: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Metrics."""

    def metric(kind: str, inner: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
        return {**rest, "each": {"type": kind, kind: {"labelName": "state", **inner} if kind == "stateSet" else inner}}

    names = {"name": st.sampled_from(["one", "two", "two_info", "three_total"]), "help": TEXTS}
    return st.builds(
        metric, st.sampled_from(list(BLOCKS)), block(dialect=dialect), st.fixed_dictionaries(names, optional=COMMON)
    )


def files(*, dialect: bool) -> st.SearchStrategy[str]:
    """Files, some of which have fatal problems."""
    kind = st.fixed_dictionaries(
        {
            "group": st.just("example.org"),
            "version": st.sampled_from(["v1"] * 3 + ["*"]),
            "kind": st.sampled_from(["Thing"] * 3 + ["*"]),
        }
    )
    entry = st.fixed_dictionaries(
        {"groupVersionKind": kind, "metrics": st.lists(metrics(dialect=dialect), min_size=1, max_size=3)},
        optional={
            **COMMON,
            "metricNamePrefix": st.sampled_from(["", "p"]),
            **({"labelSelector": st.sampled_from(["a=b", "a"])} if dialect else {}),
        },
    )
    said = {"dialect": DIALECT} if dialect else {}
    return st.lists(entry, min_size=1, max_size=2).map(
        lambda entries: json.dumps({"spec": {**said, "resources": entries}})
    )


@given(st.booleans().flatmap(lambda dialect: files(dialect=dialect)), UNIQUE)
@settings(max_examples=150)
def test_any_object(file: str, objects: list[dict[str, Any]]) -> None:
    """Whatever a file asks of whatever objects, the text is one that Prometheus takes, and no family raises."""
    entries, problems = read(file)
    if any(problem.fatal for problem in problems):
        return
    rendered = Rendered(entries, SERVED, objects)
    text = rendered.text()
    series = [line.rpartition(" ")[0] for line in text.split("\n") if line and not line.startswith("#")]

    assert [] == rendered.failures
    assert len(series) == len(set(series))
    assert len(series) == sum(len(family.samples) for family in text_string_to_metric_families(text))
    list(openmetrics.text_string_to_metric_families(rendered.text(openmetrics=True) + "# EOF\n"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "spec",
                    "resources",
                    "groupVersionKind",
                    "group",
                    *KEYS_OF_AN_ENTRY,
                    *METRIC,
                    *BLOCKS,
                    "type",
                    *BLOCKS["gauge"],
                    *BLOCKS["stateSet"],
                    "labelSelector",
                    "fieldSelector",
                    "dialect",
                ]
            ),
            inner | st.sampled_from([DIALECT, "Gauge", "example.org"]),
            max_size=4,
        )
    ),
    max_leaves=25,
)
DUMPS: tuple[Callable[[Any], str], ...] = (
    yaml.safe_dump,
    lambda value: yaml.safe_dump({"spec": {"resources": value}}),
    lambda value: json.dumps(value, default=str),
)


@given(
    st.text()
    | st.binary()
    | st.builds(lambda dump, value: dump(value), st.sampled_from(DUMPS), ANYTHING)
    | st.text("{}[]&*a:-, \n<|>'\"\\u#!", max_size=30)
)
def test_any_file(file: str | bytes) -> None:
    """Whatever a file has, it is entries and problems with places: it never raises, and a good part of it is none."""
    entries, problems = read(file)

    assert entries or problems or b"resources" in (file if isinstance(file, bytes) else file.encode("utf-8", "replace"))
    assert all(problem.line > 0 and problem.column > 0 and problem.text for problem in problems)
