"""Any object that a kind's message allows renders to text that parses; what cannot be said is counted, not raised.

Which text it is, the goldens tell. Objects that are no valid message never get here: see tests/wire. What kube-state-metrics
makes of absent, empty and zero fields is in absent.jsonl: here they are told apart, however they come.
"""

import re
from functools import cache
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ksm_shard.kinds import resources
from ksm_shard.simulator.protobuf import META, encode, message_name
from ksm_shard.wire.convert import fill, inlined
from tests.kinds.rendering import Renderer

RESOURCES = resources()

# What escaping and label names stumble over, and names of resources, which are keys of quantities.
ODD = ["", " ", '"', "\\", "\n", '\\"\n', "é\u2028\x00\x85\r", "a.b", "a/b", "a_b", "a_b_conflict1", "A-B", "camelCase"]
RESOURCE_NAMES = ["cpu", "memory", "hugepages-2Mi", "example.com/gpu", "kubernetes.io/x", "requests.cpu"]
TEXT = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# The parser keeps the labels of a sample in a dictionary, where a name that is there twice goes unseen.
LABEL = re.compile(r'[{,]([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"')
# What families look for in fields of that name, and what they cannot read.
NOTABLE = {
    "ip": ["10.0.0.1", "::1", "::ffff:1.2.3.4", "999.1.1.1", "1.2.3"],
    "name": ["a", "b"],
    "reason": ["Evicted", "BackoffLimitExceeded", "OOMKilled", "SchedulingGated", "EvictionByEvictionAPI"],
    "resourceVersion": ["1", "0", "-1", "1e999", "nan", "1_0", "x"],
    "schedule": ["@daily", "*/5 * * * *", "0 0 30 2 *", "TZ=x 0 0 * * *", "@every 1h", "99 * * * *", "CRON_TZ="],
    "status": ["True", "False", "Unknown", "true"],
    "string": [
        "100m",
        "1.5Gi",
        "-1",
        "+3",
        ".5",
        "1.",
        "1e400",
        "1e-400",
        "12345678901234567890E",
        "Ki",
        "1Kii",
        "NaN",
    ],
    "timeZone": ["UTC", "Europe/Berlin", "../x"],
    "type": [
        *("Ready", "PodScheduled", "Initialized", "ContainersReady", "DisruptionTarget"),
        *("Complete", "Failed", "Suspended", "Approved"),
        *("Resource", "ContainerResource", "Pods", "Object", "External"),
    ],
}


def integers(bits: int) -> st.SearchStrategy[int]:
    """Return numbers of so many bits; the extremes are of interest."""
    least, greatest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return st.sampled_from([0, 1, -1, least, greatest]) | st.integers(least, greatest)


SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: integers(32),
    FieldDescriptor.CPPTYPE_INT64: integers(64),
}


def values(field: Any) -> st.SearchStrategy[Any]:
    """Return the values of one field, or of one of its items."""
    if field.message_type is not None:
        return fields(field.message_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=4)
    if field.type == FieldDescriptor.TYPE_STRING:
        return st.sampled_from([*NOTABLE[field.name], *ODD[:5]]) if field.name in NOTABLE else TEXT
    return SCALARS[field.cpp_type]


@cache
def fields(descriptor: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return the contents of messages of that type: some are full, of the others any field may be absent."""
    known: dict[str, st.SearchStrategy[Any]] = {}
    for field in descriptor.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            keys = TEXT if value.message_type is None else st.sampled_from(RESOURCE_NAMES)
            known[field.name] = st.dictionaries(keys, values(value), max_size=3)
        elif field.is_repeated:
            # Items that are drawn from so few are often equal, and the same series must not appear twice.
            items = st.lists(values(field), max_size=3)
            known[field.name] = items | items.map(lambda drawn: drawn * 2)
        else:
            known[field.name] = values(field)
    return st.fixed_dictionaries(known) | st.fixed_dictionaries({}, optional=known)


def put(message: Any, contents: dict[str, Any]) -> Any:
    """Set the fields of a message, and return it."""
    for name, value in contents.items():
        target = getattr(message, name)
        field = message.DESCRIPTOR.fields_by_name[name]
        if isinstance(value, dict) and field.message_type.GetOptions().map_entry:
            for key, one in value.items():
                if isinstance(one, dict):
                    put(target[key], one)
                else:
                    target[key] = one
        elif isinstance(value, dict):
            target.SetInParent()
            put(target, value)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    put(target.add(), one)
                else:
                    target.append(one)
        else:
            setattr(message, name, value)
    return message


@pytest.mark.parametrize("plural", RESOURCES)
@settings(max_examples=60)
@given(data=st.data())
def test_any_object_renders_to_text_that_parses(plural: str, data: st.DataObject) -> None:
    """Nothing is raised, families fail for bad values only, and no series or label is repeated."""
    renderer = Renderer(RESOURCES[plural])
    message = put(renderer.resource.shape.message(), data.draw(fields(renderer.resource.shape.message.DESCRIPTOR)))

    text = renderer.text(message)

    check(renderer, text, ValueError)
    assert text == renderer.text(message)  # now of a template


def check(renderer: Renderer, text: str, *errors: type[Exception]) -> None:
    """Fail unless the text can be scraped, and families failed with these errors only."""
    text.encode()
    series = [
        # To Prometheus an empty label is none.
        (sample.name, frozenset((name, value) for name, value in sample.labels.items() if value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]

    assert [] == [failure for failure in renderer.failures if type(failure[1]) not in errors]
    lines = [line for line in text.split("\n") if line and line[0] != "#"]
    assert len(set(series)) == len(series) == len(lines)
    assert [] == [line for line in lines if len(names := LABEL.findall(line)) != len(set(names))]


TIMES = ["2024-05-06T07:08:09.123456Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
IMPOSSIBLE = ["0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "", "x", "\ud800"]
# What the API server's JSON has for messages that are no objects in it. Each has an absent, an empty and a zero form.
WRITTEN: dict[str, st.SearchStrategy[Any]] = {
    "Time": st.sampled_from([*TIMES, *IMPOSSIBLE]),
    "MicroTime": st.sampled_from([*TIMES, *IMPOSSIBLE]),
    "Quantity": st.sampled_from([*NOTABLE["string"], "0", 0]),
    "IntOrString": st.sampled_from([0, 1, -1, "", "0%", "25%", "-1%", "x"]),
}
HALVES = ["\ud800", "a\udfffb", "\udc00\ud800"]


def written(field: Any) -> st.SearchStrategy[Any]:
    """Return the JSON of one field, or of one of its items: empty and zero as often as not, and odd."""
    if field.message_type is not None:
        name = field.message_type.name
        return WRITTEN[name] if name in WRITTEN else objects(field.message_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.sampled_from(["", "YQ=="])
    if field.type == FieldDescriptor.TYPE_STRING:
        # An object whose name is no text is not exported at all.
        odd = [] if field.name in {"name", "namespace", "uid", "signerName"} else HALVES
        return st.just("") | st.sampled_from([*NOTABLE.get(field.name, ["x"]), *odd])
    return values(field)


@cache
def objects(descriptor: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return JSON objects that such a message is made of, any of whose fields may be absent, null or empty."""
    known: dict[str, st.SearchStrategy[Any]] = {}
    inline = st.just({})
    for field in descriptor.fields:
        if inlined(field):
            inline = objects(field.message_type)
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            keys = (
                st.sampled_from(["", "a", "a.b", *HALVES])
                if value.message_type is None
                else st.sampled_from(RESOURCE_NAMES)
            )
            known[field.name] = st.dictionaries(keys, written(value), max_size=2)
        elif field.is_repeated:
            known[field.name] = st.lists(written(field), max_size=2)
        else:
            known[field.name] = st.none() | written(field)
    own = st.fixed_dictionaries(known) | st.fixed_dictionaries({}, optional=known)
    return st.builds(lambda more, mine: {**more, **mine}, inline, own)


def misplaced(message: Any, given: dict[str, Any]) -> list[str]:
    """Return the fields that are there though the JSON has none or null, or the other way round."""
    wrong = []
    for field in message.DESCRIPTOR.fields:
        kind, value = field.message_type, given.get(field.name)
        if inlined(field):
            wrong += misplaced(getattr(message, field.name), given)
        elif kind is not None and kind.GetOptions().map_entry:
            wrong += [field.name] if len(value or ()) != len(getattr(message, field.name)) else []
        elif field.is_repeated:
            items = getattr(message, field.name)
            wrong += [field.name] if len(value or ()) != len(items) else []
            if kind is not None and kind.name not in WRITTEN:
                wrong += [
                    name for one, other in zip(items, value or (), strict=False) for name in misplaced(one, other)
                ]
        elif message.HasField(field.name) != (value is not None):
            wrong.append(field.name)
        elif kind is not None and kind.name not in WRITTEN and value is not None:
            wrong += misplaced(getattr(message, field.name), value)
    return wrong


@pytest.mark.parametrize("plural", RESOURCES)
@settings(max_examples=40)
@given(data=st.data())
def test_any_json_renders_as_the_protobuf_of_it(plural: str, data: st.DataObject) -> None:
    """What is absent, empty or zero in one is so in the other; impossible times and half characters cost single families."""
    resource = RESOURCES[plural]
    full = message_name(resource.group, resource.api_version.rpartition("/")[2], resource.kind)
    given = data.draw(objects(resource.shape.message.DESCRIPTOR))
    from_json, from_protobuf = Renderer(resource), Renderer(resource)
    message = resource.shape.message()
    fill(message, given)

    text = from_json.text(message)

    check(from_json, text, ValueError, TypeError, UnicodeDecodeError)
    unpacked = resource.shape.message.FromString(encode(full or f"{META}.PartialObjectMetadata", given))
    assert [] == misplaced(message, given) == misplaced(unpacked, given)
    assert text == from_protobuf.text(unpacked)
    assert [name for name, _ in from_json.failures] == [name for name, _ in from_protobuf.failures]
