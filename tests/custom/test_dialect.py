"""What files of the dialect ksm-shard/v1 have besides: wildcards, what is around an element, aggregates, selectors."""

import pytest

from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Served, resolve, resource_of
from tests.custom.test_metrics import gauge, info, rendered, samples, states

DIALECT = "dialect: ksm-shard/v1"
FLEET = """
fleet: north
ships:
- {name: ada, crew: [{rank: mate, age: 30, papers: {p1: ok, p2: late}}, {rank: cook, age: '40', papers: {}}]}
- {name: bea, crew: [{rank: mate, age: 50}, {rank: cook, age: young}]}
- {name: eva}
- odd
"""


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        # each element that a wildcard finds
        (gauge("path: [ships, '*', crew, '*'], valueFrom: [age], labelsFromPath: {rank: [rank], ship: ['..', name]}"), ['g{rank="mate",ship="ada"} 30', 'g{rank="cook",ship="ada"} 40', 'g{rank="mate",ship="bea"} 50']),
        (gauge("path: [ships, '*', crew, '0', age], labelsFromPath: {ship: ['..', name], fleet: ['..', '..', fleet]}"), ['g{fleet="north",ship="ada"} 30', 'g{fleet="north",ship="bea"} 50']),
        (gauge("path: [ships, '*', crew, '*', age], labelsFromKeys: [ship, mate]"), ['g{mate="0",ship="0"} 30', 'g{mate="1",ship="0"} 40', 'g{mate="0",ship="1"} 50']),
        (info("path: [ships, '*', crew, '*', papers, '*'], labelsFromKeys: ['', '', paper], labelsFromPath: {state: [], ship: ['..', '..', name]}"), ['i{paper="p1",ship="ada",state="ok"} 1', 'i{paper="p2",ship="ada",state="late"} 1']),
        (info("path: [ships, '*'], labelsFromPath: {ship: [name]}"), ['i{ship="ada"} 1', 'i{ship="bea"} 1', 'i{ship="eva"} 1']),
        (states("path: [ships, '*', crew, '0'], valueFrom: [rank], labelsFromPath: {ship: ['..', name]}, labelName: rank, list: [mate]"), ['s{rank="mate",ship="ada"} 1', 's{rank="mate",ship="bea"} 1']),
        (states("path: ['*', '*'], valueFrom: ['..', '1', name], labelName: name, list: [bea]"), ['s{name="bea"} 1']),
        # nothing
        (gauge("path: [boats, '*', crew]"), []),
        (gauge("path: [boats, '*', crew], nilIsZero: true"), ["g 0"]),
        (gauge("path: [fleet, '*']"), []),
        # aggregates, of those that have the same labels
        (gauge("path: [ships], aggregate: count"), ["g 4"]),
        (gauge("path: [ships, '*', crew, '*'], aggregate: count"), ["g 4"]),
        (gauge("path: [ships, '*', crew, '*'], aggregate: count, labelsFromPath: {rank: [rank]}"), ['g{rank="mate"} 2', 'g{rank="cook"} 2']),
        (gauge("path: [ships, '*', crew, '*'], valueFrom: [papers], aggregate: count"), ["g 2"]),
        (gauge("path: [ships, '*', crew, '*'], valueFrom: [age], aggregate: sum, labelsFromPath: {ship: ['..', name]}"), ['g{ship="ada"} 70', 'g{ship="bea"} 50']),
        (gauge("path: [ships, '*', crew, '*', age], aggregate: min"), ["g 30"]),
        (gauge("path: [ships, '*', crew, '*', age], aggregate: max"), ["g 50"]),
        (gauge("path: [ships, '0', crew, '0', papers], aggregate: count"), ["g 2"]),
        (gauge("path: [boats], aggregate: count"), ["g 0"]),
        (gauge("path: [boats], aggregate: count, labelsFromPath: {a: [b]}"), []),
        (gauge("path: [boats], aggregate: sum"), []),
        (gauge("path: [boats], aggregate: sum, nilIsZero: true"), ["g 0"]),
        (gauge("path: [ships, '*'], valueFrom: [tons], aggregate: sum, nilIsZero: true"), ["g 0"]),
        (gauge("path: [fleet], aggregate: count"), ["g 1"]),
    ],
)  # fmt: skip
def test_wildcards_and_aggregates(metric: str, wanted: list[str]) -> None:
    """A wildcard finds each element of a list or map; what is around an element has labels for it; elements can be summed up."""
    assert wanted == samples(rendered(metric, FLEET, spec=DIALECT))


def test_without_dialect() -> None:
    """Without the dialect, a file means what it means to kube-state-metrics: stars are names, and other keys are not known."""
    metric = gauge("path: [a, '*'], aggregate: count, labelsFromPath: {up: ['..', b]}")

    assert ['g{up="x"} 5'] == samples(rendered(metric, "{a: {'*': {q: 5, '..': {b: x}}}}"))
    (problem,) = read(FILE.format(dialect="", path="a", more="aggregate: count"))[1]
    assert (6, 56, "aggregate needs spec.dialect: ksm-shard/v1, and is ignored without", False) == (
        problem.line,
        problem.column,
        problem.text,
        problem.fatal,
    )


FILE = """spec:
  {dialect}
  resources:
  - groupVersionKind: {{group: g}}
    metrics:
    - {{name: n, each: {{type: Gauge, gauge: {{path: [{path}], {more}}}}}}}
"""


@pytest.mark.parametrize(
    ("path", "more", "text"),
    [
        ("a", "aggregate: mean", '"mean" is no aggregate: there are count, sum, min, max'),
        ("a", "valueFrom: ['*']", '"*" stands in the path of a metric only'),
        ("'*'", "valueFrom: ['..', '..']", '2 ".." lead further out than to the object'),
        ("'*'", "valueFrom: [a, '..']", '".." stands at the beginning of a path only'),
        ("'..'", "nilIsZero: false", '1 ".." lead further out than to the object'),
        ("'*'", "labelsFromKeys: [a, b]", '2 labels for the keys of 1 "*" in the path'),
        ("'*'", "labelsFromKeys: ['1']", '"1" is no name of a label'),
        ("'*'", "labelFromKey: a", 'a path with "*" has labelsFromKeys'),
        ("'[*]'", "nilIsZero: false", '"*" means each element'),
    ],
)
def test_problems(path: str, more: str, text: str) -> None:
    """What makes no sense in the dialect is a problem of its own."""
    (problem,) = read(FILE.format(dialect="dialect: ksm-shard/v1", path=path, more=more))[1]

    assert text in problem.text
    assert problem.fatal
    assert 6 == problem.line


def test_unknown_dialect() -> None:
    """A file of a dialect that is not known is refused."""
    (problem,) = read(FILE.format(dialect="dialect: v9", path="a", more="nilIsZero: false"))[1]

    assert (2, 12, '"v9" is no dialect: there is ksm-shard/v1') == (problem.line, problem.column, problem.text)


def test_selectors() -> None:
    """An entry with selectors is a resource of its own, which is listed with them."""
    entries, problems = read(
        """
        spec:
          dialect: ksm-shard/v1
          resources:
          - groupVersionKind: {group: g, kind: K}
            metrics: [{name: all, each: {type: Gauge, gauge: {path: [a]}}}]
          - groupVersionKind: {group: g, kind: K}
            labelSelector: team=red
            fieldSelector: metadata.namespace!=x
            metrics: [{name: some, each: {type: Gauge, gauge: {path: [a]}}}]
        """
    )
    resources = [resource_of(followed) for followed in resolve(entries, [Served("g", "v1", "K", "ks")])]

    assert [] == problems
    assert [
        ("ks.v1.g", {}),
        (
            "ks.v1.g?team=red&metadata.namespace!=x",
            {"labelSelector": "team=red", "fieldSelector": "metadata.namespace!=x"},
        ),
    ] == [(one.name, one.selectors) for one in resources]
    assert [["kube_customresource_all"], ["kube_customresource_some"]] == [
        [family.name for family in one.families] for one in resources
    ]
