"""Every problem of a file, with its place and what would be right, and what of a file is passed over."""

import pytest

from ksm_shard.custom.file import read

HEAD = """spec:
  resources:
  - groupVersionKind: {group: example.org, version: v1, kind: Kettle}
"""
METRIC = HEAD + "    metrics:\n"


def told(file: str) -> list[tuple[int, int, str, bool]]:
    """Return the problems of a file."""
    return [(one.line, one.column, one.text, one.fatal) for one in read(file)[1]]


@pytest.mark.parametrize(
    ("file", "line", "column", "text"),
    [
        ("", 1, 1, "the file is empty"),
        ("# nothing\n", 1, 1, "the file is empty"),
        ("spec: [", 2, 1, "no YAML: did not find expected node content"),
        ("spec: {a: 1}}", 1, 13, "no YAML: did not find expected key"),
        ("spec:\n  resources:\n\t- a", 3, 1, "no YAML: found character that cannot start any token"),
        ("text", 1, 1, 'expected the file to be a map, got "text"'),
        ("[]", 1, 1, "expected the file to be a map, got a list"),
        ("spec: {resources: {}}", 1, 19, "expected resources to be a list, got a map"),
        ("spec: {resources: [a]}", 1, 20, 'expected an entry of resources to be a map, got "a"'),
        ("spec: {spec: {}, resources: []}\nspec: {}", 2, 1, '"spec" is there twice'),
        (HEAD + "    metrics: {}", 4, 14, "expected metrics to be a list, got a map"),
        (HEAD.replace("group: example.org, ", ""), 3, 23, "groupVersionKind needs a group"),
        (HEAD.replace("example.org", '"*"'), 3, 31, "an entry is about one group"),
        (HEAD.replace("v1", "example.org/v1"), 3, 53, '"example.org/v1" is no version'),
        (HEAD + "    commonLabels: {a-b: x}", 4, 20, '"a-b" is no name of a label'),
        (HEAD + "    commonLabels: {a: [x]}", 4, 23, "expected the label a to be a text, got a list"),
        (HEAD + "    labelsFromPath: {1st: [x]}", 4, 22, '"1st" is no name of a label'),
        (HEAD + "    labelsFromPath: {'': [x]}", 4, 22, '"" is no name of a label'),
        (HEAD + "    labelsFromPath: {a: x}", 4, 25, 'expected the path of a to be a list, got "x"'),
        (HEAD + "    labelsFromPath: {a: [[x]]}", 4, 26, "expected each of the path of a to be a text, got a list"),
        (HEAD + "    labelsFromPath: {a: ['[x]']}", 4, 25, '"[x]" has no "="'),
        (HEAD + "    labelsFromPath: {[a]: [x]}", 4, 22, "expected the keys of labelsFromPath to be texts, got a list"),
        (HEAD + "    errorLogV: much", 4, 16, 'expected errorLogV to be an integer, got "much"'),
        (METRIC + "    - name: a b\n      each: {type: Info, info: {}}", 5, 13, '"kube_customresource_a b" is no name of a metric'),
        (METRIC + "    - {name: a}", 5, 7, "each needs a type"),
        (METRIC + "    - {name: a, each: {}}", 5, 23, "each needs a type"),
        (METRIC + "    - {name: a, each: {type: Counter}}", 5, 30, '"Counter" is no type: there are Gauge, Info and StateSet'),
        (METRIC + "    - {name: a, each: {type: Gauge}}", 5, 30, "the type is Gauge, and there is no gauge"),
        (METRIC + "    - {name: a, each: {type: gauge, gauge: null}}", 5, 37, "the type is gauge, and there is no gauge"),
        (METRIC + "    - {name: a, each: {type: Gauge, gauge: {nilIsZero: 1}}}", 5, 56, 'expected nilIsZero to be true or false, got "1"'),
        (METRIC + "    - {name: a, each: {type: Gauge, gauge: {labelFromKey: a.b}}}", 5, 59, '"a.b" is no name of a label'),
        (METRIC + "    - {name: a, each: {type: StateSet, stateSet: {list: [x]}}}", 5, 50, "labelName is missing"),
    ],
)  # fmt: skip
def test_fatal(file: str, line: int, column: int, text: str) -> None:
    """What kube-state-metrics exits at, or writes nonsense for, is told with its place."""
    ((*place, said, fatal),) = [problem for problem in told(file) if problem[3]]

    assert ([line, column], True) == (place, fatal)
    assert text in said


@pytest.mark.parametrize(
    ("file", "line", "column", "text"),
    [
        ("spec: {}", 1, 1, "nothing is exported: there is no list spec.resources"),
        ("kind: ConfigMap\ndata: {}\nspec: {resources: []}", 2, 1, '"data" is not known in the file and ignored'),
        ("spec: {resources: []}\n---\nspec: {}", 1, 1, "there are several documents: only the first is read"),
        (HEAD, 3, 5, "the entry has no metrics"),
        (METRIC + "    - {name: a, labelFromPath: {}, each: {type: Info, info: {}}}", 5, 17, '"labelFromPath" is not known in a metric and ignored: did you mean labelsFromPath?'),
        (METRIC + "    - {name: a, each: {type: Info, info: {nilIsZero: true}}}", 5, 43, '"nilIsZero" is not known in info and ignored'),
        (METRIC + "    - {name: a, each: {type: Info, info: {}, gauge: {}}}", 5, 46, "gauge is ignored, as the type is Info"),
        (METRIC + "    - {each: {type: Info, info: {}}}", 5, 7, "the metric has no name"),
        (METRIC + "    - {name: a, each: {type: StateSet, stateSet: {labelName: a, list: []}}}", 5, 71, "no samples: the list of states is empty"),
        (METRIC + "    - {name: a, each: {type: StateSet, stateSet: {labelName: a, list: [x, y, x]}}}", 5, 78, 'the state "x" is there twice'),
        (METRIC.replace("    metrics", "    commonLabels: {customresource_group: x}\n    metrics") + "    - {name: a, each: {type: Info, info: {}}}", 4, 20, "customresource_group is set by the object here"),
    ],
)  # fmt: skip
def test_passed_over(file: str, line: int, column: int, text: str) -> None:
    """What kube-state-metrics passes over is told, and passed over."""
    ((*place, said, fatal),) = told(file)

    assert ([line, column], False) == (place, fatal)
    assert text in said


def test_every_problem() -> None:
    """All problems of a file are found at once, in its order."""
    problems = told(
        METRIC + "    - {name: 1 2, each: {type: X}}\n    - {nmae: b, each: {type: Info, info: {path: x}}}\n"
    )

    assert [5, 5, 6, 6, 6] == [line for line, *_ in problems]


def test_merged_maps() -> None:
    """Anchors, aliases and merged maps are YAML's, and what a map has itself wins."""
    file = """
    spec:
      resources:
      - groupVersionKind: &kind {group: example.org, version: v1, kind: Kettle}
        labelsFromPath: &labels {name: [metadata, name], a: [a]}
        metrics: []
      - groupVersionKind: {<<: *kind, kind: Pot}
        labelsFromPath: {<<: [*labels, {a: [c], d: [d]}], name: [b]}
        metrics: [{name: x, each: {type: Info, info: {}}}]
    """
    _, pot = read(file)[0]

    assert ("example.org", "v1", "Pot") == (pot.group, pot.version, pot.kind)
    assert {"a": "a", "d": "d", "name": "b"} == {label.name: label.path[0].name for label in pot.metrics[0].base}


@pytest.mark.parametrize("file", ["spec: &a {<<: *a, resources: []}", "spec: {<<: x}"])
def test_merged_with_itself(file: str) -> None:
    """A map that is merged with itself, or with what is none, is a problem, and no endless loop."""
    assert [problem for problem in told(file) if problem[3]]


def test_bare_values() -> None:
    """Numbers and bools are texts as they are written, in paths, states and labels."""
    file = METRIC + (
        "    - {name: 5, commonLabels: {a: 1.50}, each: {type: StateSet, stateSet: {path: [0x1, true, 010],"
        " labelName: a, list: [no, 1e3, null]}}}"
    )
    (metric,) = read(file)[0][0].metrics

    assert ("kube_customresource_5", "1.50") == (metric.name, metric.constants["a"])
    assert ["0x1", "true", "010"] == [step.name for step in metric.path]
    assert ("no", "1e3", "") == metric.states


@pytest.mark.parametrize(
    ("prefix", "name"),
    [("", "kube_customresource_x"), ("metricNamePrefix: null", "kube_customresource_x"), ("metricNamePrefix: ''", "x"), ("metricNamePrefix: a", "a_x")],
)  # fmt: skip
def test_prefix(prefix: str, name: str) -> None:
    """A metric has the prefix of its entry, the usual one if none is given, and none if that is empty."""
    file = f"{HEAD}    {prefix}\n    metrics: [{{name: x, each: {{type: Info, info: {{}}}}}}]"

    assert name == read(file)[0][0].metrics[0].name


def test_core_group() -> None:
    """Kinds of the core group may be named, which kube-state-metrics refuses."""
    (entry,), problems = read(HEAD.replace("example.org", "''"))

    assert "" == entry.group
    assert [] == [problem for problem in problems if problem.fatal]


def test_lines_do_not_matter() -> None:
    """Entries that say the same are equal, wherever they stand: a file that is read again changes no more than it has to."""
    file = METRIC + "    - {name: a, each: {type: Info, info: {path: [x]}}}\n"

    assert read(file)[0] == read("# a comment\n" + file)[0]
    assert read(file)[0] != read(file.replace("[x]", "[y]"))[0]
