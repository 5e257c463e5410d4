"""What is said of files that can be read, alone and against the schemas of their kinds: a finding or none a row."""

import pytest
import yaml

from ksm_shard.custom import checks
from ksm_shard.custom.file import read
from ksm_shard.custom.schemas import definitions
from tests.custom.test_metrics import gauge, info, states

CRD = yaml.safe_load(
    """
    kind: CustomResourceDefinition
    spec:
      group: example.org
      scope: Namespaced
      names: {kind: Kettle, plural: kettles}
      versions:
      - {name: v0, served: false}
      - name: v1
        served: true
        schema:
          openAPIV3Schema:
            type: object
            properties:
              spec:
                type: object
                properties:
                  litres: {type: number}
                  volume: {x-kubernetes-int-or-string: true}
                  colour: {type: string}
                  after: {type: string, format: duration}
                  mode: {type: string, enum: [Boil, Warm]}
                  free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                  ready: {type: integer}
              status:
                type: object
                properties:
                  since: {type: string, format: date-time}
                  ready: {type: integer}
                  parts: {type: object, properties: {ready: {type: integer}, name: {type: string}}}
                  taps: {type: array, items: {type: object, properties: {id: {type: string}, flow: {type: integer}, valves: {type: array, items: {type: object, properties: {open: {type: boolean}}}}}}}
                  zones: {type: object, additionalProperties: {type: object, properties: {heat: {type: number}}}}
                  counts: {type: object, additionalProperties: {type: integer}}
    """
)
ENTRY = "group: example.org, version: v1, kind: Kettle"
IDENTITY = "labelsFromPath: {name: [metadata, name], namespace: [metadata, namespace]}"


def found(metric: str, entry: str = ENTRY, labels: str = IDENTITY, crd: object = CRD) -> list[tuple[str, bool]]:
    """Return the findings of a file with that metric."""
    spec = "spec:\n  dialect: ksm-shard/v1\n  resources:\n"
    entries, problems = read(f"{spec}  - groupVersionKind: {{{entry}}}\n    {labels}\n    metrics: {metric}\n")
    assert [] == problems
    said = {*checks.of_file(entries), *checks.against(entries, list(definitions(crd)))}
    return [(one.text, one.fatal) for one in sorted(said)]


@pytest.mark.parametrize(
    "metric",
    [
        gauge("path: [spec, litres]"),
        gauge("path: [spec, volume]"),
        gauge("path: [status, since]"),
        gauge("path: [metadata, creationTimestamp]"),
        gauge("path: [metadata, annotations, example.org/x], nilIsZero: true, labelsFromPath: {x: []}").replace("metadata, annotations, example.org/x", "spec, free, x"),
        gauge("path: [spec, free, any, '[thing=x]', '0']"),
        gauge("path: [status, taps], valueFrom: [flow], labelsFromPath: {tap: [id]}"),
        gauge("path: [status, taps, '[id=a]', flow]"),
        gauge("path: [status, taps, '0', flow]"),
        gauge("path: [status, taps, '*', valves, '*', open], labelsFromPath: {tap: ['..', '..', id]}"),
        gauge("path: [status, taps], aggregate: count"),
        gauge("path: [status, counts], labelFromKey: count"),
        gauge("path: [status, zones], valueFrom: [heat], labelFromKey: zone"),
        info("path: [spec], labelsFromPath: {colour: [colour]}"),
        info("path: [metadata, ownerReferences], labelsFromPath: {owner: [name]}"),
        info("labelsFromPath: {colour: [spec, colour]}"),
        states("path: [spec, mode], labelName: mode, list: [Boil, Warm]"),
        states("path: [spec], valueFrom: [mode], labelName: mode, list: [Boil, Warm]"),
    ],
)  # fmt: skip
def test_nothing_to_say(metric: str) -> None:
    """Of what the schema allows, nothing is said."""
    assert [] == found(metric)


@pytest.mark.parametrize(
    ("metric", "text", "fatal"),
    [
        (gauge("path: [spec, liters]"), 'path: there is no "liters": did you mean litres?', True),
        (gauge("path: [spec, litres, x]"), 'path: there is no "x"; there is nothing, as this is of type number', True),
        (gauge("path: [status, taps, flow]"), 'path: "flow" is looked for in a list', True),
        (gauge("path: [spec, '[a=b]']"), 'path: "[a=b]" finds elements of lists, and this is of type object', True),
        (gauge("path: [status, taps, '[ad=b]', flow]"), 'path: there is no "ad"', True),
        (gauge("path: [spec, litres, '*']"), 'path: "*" finds elements of lists and maps', True),
        (gauge("path: [status, taps], valueFrom: [fow], labelsFromPath: {tap: [id]}"), 'valueFrom: there is no "fow": did you mean flow?', True),
        (gauge("path: [status, taps], labelsFromPath: {tap: [id]}"), "a gauge needs a number, and there is object: give valueFrom", True),
        (gauge("path: [spec, after]"), "a gauge needs a number, and there is string: durations are none", True),
        (gauge("path: [spec, mode]"), "a gauge needs a number, and there is string: a StateSet shows", True),
        (gauge("path: [spec, colour]"), "a text is a sample where it is a number", False),
        (gauge("path: [status, taps], valueFrom: [flow]"), "no label tells the elements apart", False),
        (gauge("path: [status, counts]"), "no label tells the values of the map apart", False),
        (gauge("path: [status], valueFrom: [ready]"), '"ready" is read from the map and from its values, too', False),
        (gauge("path: [status, taps], valueFrom: [flow], labelsFromPath: {tap: [ad]}"), 'the label tap: there is no "ad"', False),
        (info("path: [spec], labelsFromPath: {colour: [color]}"), 'the label colour: there is no "color": did you mean colour?', False),
        (states("path: [spec, mode], labelName: mode, list: [Boil, Warm, Hot]"), "list: Hot can never be; there are Boil, Warm", False),
        (states("path: [spec, mode], labelName: mode, list: [Boil]"), "list: Warm may be as well", False),
        (states("path: [spec, litres], labelName: mode, list: [Boil]"), "a StateSet needs a text, and there is number", True),
        (gauge("path: [spec, free, '[status=False]']"), "[status=False] finds what is False, No or Unknown", False),
        (info("path: [spec], labelsFromPath: {m: [free, message]}"), "the label m has a new value, and the metric a new series", False),
    ],
)  # fmt: skip
def test_findings(metric: str, text: str, fatal: bool) -> None:
    """What can never give a sample is a problem; what is probably not meant is advice."""
    (first, *more) = found(metric)

    assert text in first[0]
    assert fatal is first[1]
    assert [] == [one for one in more if one[1]]


def test_identity() -> None:
    """Of a kind with namespaces, the name alone tells no objects apart."""
    cluster = {**CRD, "spec": {**CRD["spec"], "scope": "Cluster"}}
    metric, name = gauge("path: [spec, litres]"), "labelsFromPath: {name: [metadata, name]}"

    assert ["[metadata, name] and [metadata, namespace]" in text for text, _ in found(metric, labels=name)] == [True]
    assert [] == found(metric, labels=name, crd=cluster)
    assert [False] * 2 == [fatal for _, fatal in found(metric, labels="")]


def test_kinds() -> None:
    """A kind without a definition is told, and a wildcard that lists all objects in several versions."""
    versions = [{**version, "served": True} for version in CRD["spec"]["versions"]]
    several = {**CRD, "spec": {**CRD["spec"], "versions": versions}}
    metric = gauge("path: [spec, litres]")

    assert [("there is no definition of example.org/v1/Pot", False)] == found(metric, ENTRY.replace("Kettle", "Pot"))
    assert [("2 versions of Kettle are served, and each is listed with all objects: name one", False)] == found(
        metric, "group: example.org", crd=several
    )


@pytest.mark.parametrize(
    "crd",
    [
        {},
        {"spec": None},
        {"spec": {"group": "g"}},
        {"spec": {"names": {}, "versions": [1]}},
        {"spec": {"group": ["g"], "names": {"kind": "K", "plural": "ks"}, "versions": [{"name": "v1"}]}},
    ],
)
def test_no_definition(crd: object) -> None:
    """What is no definition is an error."""
    with pytest.raises(ValueError, match="expected a CustomResourceDefinition"):
        list(definitions(crd))
