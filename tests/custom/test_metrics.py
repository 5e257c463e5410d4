"""What each kind of metric makes of lists, maps, scalars and nothing, and whose label wins: one table a rule.

A row is a metric, an object, and its samples without the labels customresource_*. The dialect is in test_dialect.py.
"""

import json
import re
from typing import Any

import pytest
import yaml

from ksm_shard.custom.file import read
from ksm_shard.custom.labels import TOGETHER
from ksm_shard.custom.resolve import Served
from tests.custom.rendering import Rendered

OWN = re.compile(r'customresource_(group="example.org"|kind="Kettle"|version="v1")(,|(?=}))')
KETTLE = Served("example.org", "v1", "Kettle", "kettles")


def rendered(metrics: str, *objects: str, entry: str = "", spec: str = "") -> Rendered:
    """Return what metrics make of the fields of kettles, all in YAML."""
    file = {
        "spec": {
            **parsed(spec),
            "resources": [
                {
                    "groupVersionKind": {"group": "example.org", "version": "v1", "kind": "Kettle"},
                    "metricNamePrefix": "",
                    **parsed(entry),
                    "metrics": yaml.safe_load(metrics),
                }
            ],
        }
    }
    entries, problems = read(yaml.safe_dump(file))
    assert [] == [problem for problem in problems if problem.fatal]
    kettles = [
        {"apiVersion": "example.org/v1", "kind": "Kettle", "metadata": {"name": "k"}, **parsed(one)} for one in objects
    ]
    found = Rendered(entries, [KETTLE], kettles)
    assert [] == found.failures
    return found


def parsed(text: str) -> dict[str, Any]:
    """Return a map in YAML, {} for no text."""
    return yaml.safe_load(text) or {}


def samples(found: Rendered) -> list[str]:
    """Return the samples in the order they are written."""
    lines = [line for line in found.text().split("\n") if line and not line.startswith("#")]
    return [re.sub(r",(?=})|\{\}", "", OWN.sub("", line)) for line in lines]


def gauge(block: str) -> str:
    """Return a gauge called g."""
    return f"[{{name: g, each: {{type: Gauge, gauge: {{{block}}}}}}}]"


def info(block: str) -> str:
    """Return an info called i."""
    return f"[{{name: i, each: {{type: Info, info: {{{block}}}}}}}]"


def states(block: str) -> str:
    """Return a stateset called s."""
    return f"[{{name: s, each: {{type: StateSet, stateSet: {{{block}}}}}}}]"


@pytest.mark.parametrize(
    ("block", "fields", "wanted"),
    [
        # a scalar
        ("path: [spec, litres]", "{spec: {litres: 1.7}}", ["g 1.7"]),
        ("path: [spec, litres]", "{spec: {litres: '1700m'}}", ["g 1.7"]),
        ("path: [spec, on]", "{spec: {on: true}}", ["g 1"]),
        ("path: [spec, colour]", "{spec: {colour: red}}", []),
        # nothing
        ("path: [spec, litres]", "{spec: {}}", []),
        ("path: [spec, litres]", "{spec: full}", []),
        ("path: [spec, litres], nilIsZero: true", "{}", ["g 0"]),
        ("path: [spec, litres], nilIsZero: true", "{spec: {litres: null}}", ["g 0"]),
        ("path: [spec, litres], nilIsZero: true", "{spec: {litres: red}}", []),
        # a list
        ("path: [taps], labelsFromPath: {tap: [id]}, valueFrom: [flow]", "{taps: [{id: a, flow: 1}, {id: b, flow: '2k'}]}", ['g{tap="a"} 1', 'g{tap="b"} 2000']),
        ("path: [taps], labelsFromPath: {tap: [id]}, valueFrom: [flow]", "{taps: [{id: a}, {flow: 3}, null, 4]}", ["g 3"]),
        ("path: [taps], labelsFromPath: {tap: [id]}, valueFrom: [flow], nilIsZero: true", "{taps: [{id: a}, {id: b, flow: 2}]}", ['g{tap="b"} 2', 'g{tap="a"} 0']),
        ("path: [taps], nilIsZero: true", "{taps: []}", []),
        ("path: [taps]", "{taps: [7, 8]}", ["g 7"]),
        ("path: [taps], labelsFromPath: {tap: []}", "{taps: [7, 8]}", ['g{tap="7"} 7', 'g{tap="8"} 8']),
        ("path: [taps, '-1']", "{taps: [7, 8]}", ["g 8"]),
        ("path: [taps, '+0']", "{taps: [7, 8]}", ["g 7"]),
        ("path: [taps, '2']", "{taps: [7, 8]}", []),
        ("path: [taps, id]", "{taps: [{id: 7}]}", []),
        # a map
        ("path: [zones], labelFromKey: zone", "{zones: {top: 1, bottom: 2, colour: red, '': 3}}", ['g{zone="top"} 1', 'g{zone="bottom"} 2', "g 3"]),
        ("path: [zones], labelFromKey: zone, valueFrom: [now, heat]", "{zones: {top: {now: {heat: 90}}, bottom: {}}}", ['g{zone="top"} 90']),
        ("path: [zones], labelFromKey: zone, valueFrom: [heat], labelsFromPath: {by: [by]}", "{zones: {top: {heat: 90, by: gas}, by: oil}}", ['g{by="oil",zone="top"} 90']),
        # a map's own field, which is one of its values, too
        ("path: [zones], valueFrom: [heat], labelsFromPath: {by: [by]}", "{zones: {heat: 50, by: oil, top: {heat: 90, by: gas}}}", ['g{by="oil"} 50']),
        ("path: [zones], valueFrom: [heat], labelFromKey: zone", "{zones: {heat: 50, top: {heat: 90}}}", ['g{zone="heat"} 50', 'g{zone="top"} 90']),
        ("path: [zones], valueFrom: [heat], nilIsZero: true", "{zones: {other: 1, heat: 50}}", ["g 50"]),
        # elements by what they have
        ("path: [taps, '[id=b]', flow]", "{taps: [{id: a, flow: 1}, {id: b, flow: 2}, {id: b, flow: 3}]}", ["g 2"]),
        ("path: [taps, '[id=b]', flow]", "{taps: {id: b, flow: 2}}", []),
        ("path: [spec, mode=boil]", "{spec: {mode: boil, mode=boil: 5}}", []),
        ("path: [spec, mode=boil]", "{spec: {mode: warm, mode=boil: 5}}", ["g 5"]),
        ("path: [spec, mode=3]", "{spec: {mode: '3'}}", ["g 3"]),
        # names are names
        ("path: [spec, '*', x]", "{spec: {a: {x: 1}, '*': {x: 2}}}", ["g 2"]),
        ("path: [spec.x]", "{spec: {x: 1}, spec.x: 2}", ["g 2"]),
        ("path: [spec, '']", "{spec: {'': 2}}", ["g 2"]),
    ],
)  # fmt: skip
def test_gauges(block: str, fields: str, wanted: list[str]) -> None:
    """A gauge is a sample an element of a list, a value of a map, or a scalar; of one series the first."""
    assert wanted == samples(rendered(gauge(block), fields))


@pytest.mark.parametrize(
    ("block", "fields", "wanted"),
    [
        ("path: [spec], labelsFromPath: {make: [make]}", "{spec: {make: acme}}", ['i{make="acme"} 1']),
        ("path: [spec], labelsFromPath: {make: [make]}", "{spec: {make: ''}}", ['i{make=""} 1']),
        ("path: [spec], labelsFromPath: {make: [make]}", "{spec: {make: null}}", []),
        ("path: [spec]", "{spec: {make: acme}}", []),
        ("labelsFromPath: {make: [spec, make]}", "{spec: {make: acme}}", ['i{make="acme"} 1']),
        ("path: [spec, use], labelsFromPath: {use: []}", "{spec: {use: [tea, tea, null, 3]}}", ['i{use="tea"} 1', 'i{use="3"} 1']),
        ("path: [spec, use], labelsFromPath: {use: []}", "{spec: {use: tea}}", ['i{use="tea"} 1']),
        ("path: [spec], labelsFromPath: {make: [make]}", "{spec: {make: a, lid: {make: b}}}", ['i{make="a"} 1', 'i{make="b"} 1']),
        ("path: [spec, parts], labelFromKey: part", "{spec: {parts: {lid: {}, cord: null}}}", ['i{part="lid"} 1', 'i{part="cord"} 1']),
        ("path: [spec, parts], labelFromKey: part, labelsFromPath: {part: [alias], of: [of]}", "{spec: {parts: {lid: {of: steel}, cord: {alias: wire}}}}", ['i{of="steel",part="lid"} 1', 'i{part="wire"} 1']),
    ],
)  # fmt: skip
def test_infos(block: str, fields: str, wanted: list[str]) -> None:
    """An info is there where an element has a label of its own; of a map its values are elements, too."""
    assert wanted == samples(rendered(info(block), fields))


@pytest.mark.parametrize(
    ("block", "fields", "wanted"),
    [
        ("path: [mode], labelName: mode, list: [Boil, Warm]", "{mode: Warm}", ['s{mode="Boil"} 0', 's{mode="Warm"} 1']),
        ("path: [mode], labelName: mode, list: [Boil, Warm]", "{mode: warm}", ['s{mode="Boil"} 0', 's{mode="Warm"} 0']),
        ("path: [mode], labelName: mode, list: ['say \"hi\"', Warm]", "{mode: 'say \"hi\"'}", ['s{mode="say \\"hi\\""} 1', 's{mode="Warm"} 0']),
        ("path: [mode], labelName: mode, list: [1]", "{mode: 1}", []),
        ("path: [mode], labelName: mode, list: [1]", "{}", []),
        ("path: [mode], labelName: mode, list: []", "{mode: a}", []),
        ("path: [mode], labelName: mode, list: [Boil, Warm]", "{mode: [Boil, Warm]}", ['s{mode="Boil"} 1', 's{mode="Warm"} 1']),
        ("path: [mode], labelName: mode, list: [Boil, Shut]", "{mode: [Boil, Warm, {a: b}]}", ['s{mode="Boil"} 1', 's{mode="Shut"} 0']),
        ("path: [taps], valueFrom: [is], labelName: is, list: [Open], labelsFromPath: {tap: [id]}", "{taps: [{id: a, is: Open}, {id: b}, {id: c, is: Shut}, {id: a, is: Shut}]}", ['s{is="Open",tap="a"} 1', 's{is="Open",tap="c"} 0']),
        ("path: [mode], labelName: mode, list: [Boil]", "{mode: {a: Boil}}", []),
        ("path: [], valueFrom: [mode], labelName: mode, list: [Boil], labelsFromPath: {mode: [alias]}", "{mode: Boil, alias: other}", ['s{mode="other"} 1']),
    ],
)  # fmt: skip
def test_statesets(block: str, fields: str, wanted: list[str]) -> None:
    """A stateset is a sample a listed state, 1 for the text that is there; of several elements, if any says so."""
    assert wanted == samples(rendered(states(block), fields))


LABELS = "{metadata: {name: k, labels: {name: l, team: red, a-b: 1, a.b: 2}}, spec: {x: 1, name: s, '7up': y}}"


@pytest.mark.parametrize(
    ("entry", "metric", "element", "wanted"),
    [
        ("commonLabels: {a: e}", "commonLabels: {a: m}", "", 'a="m"'),
        ("commonLabels: {a: e}", "labelsFromPath: {a: [spec, x]}", "", 'a="1"'),
        ("commonLabels: {a: e}", "labelsFromPath: {a: [spec, nothing]}", "", 'a="e"'),
        ("labelsFromPath: {a: [kind]}", "labelsFromPath: {a: [spec, x]}", "", 'a="1"'),
        ("labelsFromPath: {a: [kind]}", "labelsFromPath: {a: [spec, nothing]}", "", ""),
        ("labelsFromPath: {a: [kind]}", "", "labelsFromPath: {a: []}", 'a="1"'),
        ("labelsFromPath: {a: [kind]}", "", "labelsFromPath: {a: [nothing]}", 'a="Kettle"'),
        ("commonLabels: {customresource_kind: Pot}", "", "", ""),
        ("", "commonLabels: {customresource_kind: Pot}", "", 'customresource_kind="Pot"'),
        ("labelsFromPath: {customresource_kind: [spec, name]}", "", "", 'customresource_kind="s"'),
        ("labelsFromPath: {'my label': [kind], über: [kind]}", "", "", '_ber="Kettle",my_label="Kettle"'),
        # copied maps
        ("labelsFromPath: {'l_*': [metadata, labels]}", "", "", 'l_a_b="2",l_name="l",l_team="red"'),
        ("labelsFromPath: {'*': [metadata, labels]}", "", "", 'a_b="2",name="l",team="red"'),
        ("labelsFromPath: {'*x': [metadata, labels]}", "", "", 'a_b="2",name="l",team="red"'),
        ("labelsFromPath: {'**': [metadata, labels]}", "", "", '_a_b="2",_name="l",_team="red"'),
        ("labelsFromPath: {'*': [spec]}", "", "", '_7up="y",name="s",x="1"'),
        ("labelsFromPath: {'*': [metadata, labels], name: [metadata, name]}", "", "", 'a_b="2",name="k",team="red"'),
        ("labelsFromPath: {'*': [metadata, labels], name: [nothing]}", "", "", 'a_b="2",name="l",team="red"'),
        ("labelsFromPath: {'*': [metadata, labels], '*x': [spec]}", "", "", '_7up="y",a_b="2",name="s",team="red",x="1"'),
        ("labelsFromPath: {'*': [kind]}", "", "", ""),
        ("labelsFromPath: {'a*b': [kind]}", "", "", 'a_b="Kettle"'),
    ],
)  # fmt: skip
def test_labels(entry: str, metric: str, element: str, wanted: str) -> None:
    """Of several labels of a name the strongest that is there counts; copied ones come before named ones."""
    metrics = yaml.safe_load(gauge(f"path: [spec, x]{', ' if element else ''}{element}"))
    metrics[0].update(parsed(metric))
    (sample,) = samples(rendered(yaml.safe_dump(metrics), LABELS, entry=entry))

    assert f"g{{{wanted}}} 1" == sample if wanted else sample == "g 1"


def test_many_candidates() -> None:
    """However many paths there are for one label, the last of them that is there counts."""
    names = ", ".join(f"'{chr(0x4E00 + at)}': [spec, {'x' if at == 1500 else 'nothing'}]" for at in range(3000))
    found = rendered(gauge("path: [spec, x]"), LABELS, entry=f"labelsFromPath: {{{names}}}")

    assert ['g{_="1"} 1'] == samples(found)


def test_names_that_collide() -> None:
    """Copied keys that become one label are counted."""
    found = rendered(gauge("path: [spec, x]"), LABELS, entry="labelsFromPath: {'l_*': [metadata, labels]}")

    assert {("", "label_collision"): 1} == found.noted


def test_missing_values_are_noted() -> None:
    """Where a value is missing or is none, it is counted; the values of maps are silent, as most annotations are no numbers."""
    metrics = """
    - {name: scalar, each: {type: Gauge, gauge: {path: [a]}}}
    - {name: list, each: {type: Gauge, gauge: {path: [b], valueFrom: [n]}}}
    - {name: map, each: {type: Gauge, gauge: {path: [c]}}}
    - {name: state, each: {type: StateSet, stateSet: {path: [a], labelName: a, list: [b]}}}
    - {name: zero, each: {type: Gauge, gauge: {path: [nothing], nilIsZero: true}}}
    """
    found = rendered(metrics, "{a: [x, null]}", "{b: [{}, {n: x}, {n: [1]}], c: {x: y}}")

    assert {
        ("scalar", "nil"): 2,
        ("scalar", "not_a_number"): 1,
        ("list", "nil"): 2,
        ("list", "not_a_number"): 2,
        ("map", "nil"): 1,
    } == {key: count for key, count in found.noted.items() if key[0] != "state"}
    assert 0 == found.noted["state", "not_text"]


def test_repeated_series() -> None:
    """What an object repeats is written once and counted, in one metric or in two of a name."""
    metrics = """
    - {name: g, each: {type: Gauge, gauge: {path: [a], labelsFromPath: {id: [id]}, valueFrom: [n]}}}
    - {name: g, help: not this one, each: {type: Gauge, gauge: {path: [b]}}}
    """
    found = rendered(metrics, "{a: [{id: x, n: 1}, {id: x, n: 2}, {n: 3}], b: 4}")

    assert ['g{id="x"} 1', "g 3"] == samples(found)
    assert 2 == found.duplicates
    assert "# HELP g \n# TYPE g gauge\n" == found.text()[:25]


def test_objects_that_nothing_tells_apart() -> None:
    """Without the labels of an object, several have one series: the first of them is exposed, as Prometheus takes no more."""
    found = rendered(gauge("path: [n]"), "{n: 1}", "{metadata: {name: other}, n: 2}")

    assert ["g 1"] == samples(found)


@pytest.mark.parametrize(
    ("labels", "repeats"),
    [
        ("{name: [metadata, name], namespace: [metadata, namespace]}", False),
        ("{id: [metadata, uid]}", False),
        ("{name: [metadata, name]}", True),
        ("{name: [metadata, name], namespace: [metadata, namespace], x: [spec]}", False),
        ("{name: [metadata, name], namespace: [spec, namespace]}", True),
    ],
)
def test_which_are_told_apart(labels: str, repeats: bool) -> None:
    """Name and namespace tell objects apart, or the uid, unless labels of an element may replace them."""
    plain = rendered(gauge("path: [n]"), "{n: 1}", entry=f"labelsFromPath: {labels}")
    replaced = rendered(
        gauge("path: [n], labelsFromPath: {name: [], id: []}"), "{n: 1}", entry=f"labelsFromPath: {labels}"
    )

    assert repeats is plain.families["g"].repeats
    assert replaced.families["g"].repeats


def test_headers() -> None:
    """HELP has no stability, escapes what has to be, and is there as soon as there is an object."""
    metrics = """
    - {name: a, help: "back\\\\slash, \\"quotes\\",\\nnew line", each: {type: Gauge, gauge: {path: [a]}}}
    - {name: b_info, each: {type: Info, info: {path: [a]}}}
    """
    found = rendered(metrics, "{}")

    assert (
        '# HELP a back\\\\slash, "quotes",\\nnew line\n# TYPE a gauge\n# HELP b_info \n# TYPE b_info gauge\n'
        == found.text()
    )
    assert '# HELP a back\\\\slash, \\"quotes\\",\\nnew line\n' in found.text(openmetrics=True)


VALUES = [
    ("plain", "plain"),
    ("", ""),
    ('a"b', r"a\"b"),
    ("a\\b", r"a\\b"),
    ("a\nb", r"a\nb"),
    ("\u00e9\U0001f600", "\u00e9\U0001f600"),
    (7, "7"),
    (True, "true"),
    (None, None),
    (["x"], "[x]"),
]


@pytest.mark.parametrize("labels", [1, 2, 3, TOGETHER, TOGETHER + 1])
@pytest.mark.parametrize("where", ["first", "last"])
def test_values_of_labels(labels: int, where: str) -> None:
    """The value of a label is escaped, and left out where it is null, whatever the other labels of the sample have."""
    names = [f"n{at:02d}" for at in range(labels)]
    odd = names[0 if where == "first" else -1]
    paths = ", ".join(f"{name}: [{name}]" for name in names)
    items = [{**dict.fromkeys(names, f"t{at}"), odd: value, "v": at} for at, (value, _) in enumerate(VALUES)]
    found = rendered(gauge(f"path: [list], valueFrom: [v], labelsFromPath: {{{paths}}}"), json.dumps({"list": items}))

    wanted = []
    for at, (_, text) in enumerate(VALUES):
        texts = {**dict.fromkeys(names, f"t{at}"), odd: text}
        pairs = ",".join(f'{name}="{text}"' for name, text in texts.items() if text is not None)
        wanted.append(f"g{{{pairs}}} {at}" if pairs else f"g {at}")
    assert wanted == samples(found)
