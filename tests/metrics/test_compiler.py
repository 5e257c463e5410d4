"""Families become functions from an object to text. Rows that leave labels out are in test_sparse, kinds in tests/kinds."""

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from ksm_shard.metrics.compiler import Compiled, compile_resource
from ksm_shard.metrics.families import ALPHA, STABLE, Declarations, Family, Resource
from ksm_shard.wire.messages.meta_v1_pb2 import OwnerReference, PartialObjectMetadata


class Things:
    """A resource to declare families of, and what its renderer tells.

    Attributes:
        failures: the families that raised, and what.
        duplicates: how many series were repeated, each time.
    """

    def __init__(self, **more: Any) -> None:
        """Declare the resource; `more` is its other arguments."""
        self.resource = Resource(
            "v1", "things", PartialObjectMetadata, labels={"namespace": "namespace", "thing": "name"}, **more
        )
        self.failures: list[tuple[str, Exception]] = []
        self.duplicates: list[int] = []

    def compile(self, **allowlists: list[str]) -> Compiled:
        """Compile all families."""
        return compile_resource(
            self.resource,
            self.resource.families,
            failed=lambda family, error: self.failures.append((family.name, error)),
            duplicated=self.duplicates.append,
            **allowlists,
        )

    def render(self, name: str = "t", **metadata: Any) -> list[str]:
        """Return the text of each family for one object, with all labels and annotations."""
        message = PartialObjectMetadata(metadata={"namespace": "shop", "name": name, **metadata})
        return self.compile(labels_allowlist=["*"], annotations_allowlist=["*"]).render(message)


@pytest.fixture
def things() -> Things:
    """Return a resource without families."""
    return Things()


IDS = 'namespace="shop",thing="t"'
Declare = Callable[[Declarations, Callable[[Any], Any]], object]
SHAPES: dict[str, Declare] = {
    "value": lambda on, say: on.value("f", "Text.", STABLE)(say),
    "one_hot": lambda on, say: on.one_hot("f", "Text.", STABLE, label="a", states=("up", "down"))(say),
    "info": lambda on, say: on.info("f", "Text.", STABLE, labels="a b")(say),
    "rows": lambda on, say: on.rows("f", "Text.", STABLE, labels="a b")(say),
    "states": lambda on, say: on.states("f", "Text.", STABLE, labels="a b", states=("up", "down"))(say),
    "mapping": lambda on, say: on.mapping("f", "Text.", STABLE, prefix="p")(say),
}
CASES = [
    ("value", 3, ["f{%s} 3"]),
    ("value", True, ["f{%s} 1"]),
    ("value", 0, ["f{%s} 0"]),
    ("value", 2.5e9, ["f{%s} 2.5e+09"]),
    ("value", None, []),
    ("one_hot", "up", ['f{%s,a="up"} 1', 'f{%s,a="down"} 0']),
    ("one_hot", "sideways", ['f{%s,a="up"} 0', 'f{%s,a="down"} 0']),
    ("one_hot", "", []),
    ("info", [("x", "")], ['f{%s,a="x",b=""} 1']),
    ("info", [("x", "1"), ("x", "2")], ['f{%s,a="x",b="1"} 1', 'f{%s,a="x",b="2"} 1']),
    ("info", [], []),
    ("rows", [("x", "y", 0.5)], ['f{%s,a="x",b="y"} 0.5']),
    ("rows", (), []),
    ("states", [("x", "down")], ['f{%s,a="x",b="up"} 0', 'f{%s,a="x",b="down"} 1']),
    ("states", [("x", "sideways")], ['f{%s,a="x",b="up"} 0', 'f{%s,a="x",b="down"} 0']),
    ("states", [], []),
    ("mapping", {"b.c": "2", "aB": "1"}, ['f{%s,p_a_b="1",p_b_c="2"} 1']),
    ("mapping", {}, ["f{%s} 1"]),
    ("mapping", None, []),
    # What needs escapes, in each place where a value is written.
    ("info", [('"', "plain"), ("plain", "\\")], ['f{%s,a="\\"",b="plain"} 1', 'f{%s,a="plain",b="\\\\"} 1']),
    ("rows", [("\n", "plain", 1)], ['f{%s,a="\\n",b="plain"} 1']),
    ("states", [('"', "up")], ['f{%s,a="\\"",b="up"} 1', 'f{%s,a="\\"",b="down"} 0']),
    ("mapping", {"a": '\\"\n'}, ['f{%s,p_a="\\\\\\"\\n"} 1']),
    # Braces are what f-strings are made of.
    ("info", [("{ids}", "}")], ['f{%s,a="{ids}",b="}"} 1']),
]


@pytest.mark.parametrize(("shape", "said", "lines"), CASES)
def test_a_shape_is_written(things: Things, shape: str, said: object, lines: list[str]) -> None:
    """Each is as the table of families.py has it: a line a sample, the object's own labels first."""
    SHAPES[shape](things.resource, lambda thing: said)

    assert ["".join(line % IDS + "\n" for line in lines)] == things.render()
    assert ([], []) == (things.failures, things.duplicates)


@pytest.mark.parametrize(("shape", "said", "lines"), CASES)
def test_a_shape_is_written_for_each_item_of_a_part(things: Things, shape: str, said: object, lines: list[str]) -> None:
    """The same lines, with the item's labels after the object's."""
    owners = things.resource.part(lambda thing: thing.metadata.ownerReferences, {"kind": "kind", "owner": "name"})
    SHAPES[shape](owners, lambda owner: said)

    text = things.render(ownerReferences=[OwnerReference(kind="A", name="x"), OwnerReference(kind="A", name='"')])

    expected = [line % f'{IDS},kind="A",owner="{name}"' + "\n" for name in ("x", r"\"") for line in lines]
    assert ["".join(expected)] == text
    assert [""] == things.render()


def test_rows_may_be_without_labels(things: Things) -> None:
    """That an object exists is a row of nothing."""
    things.resource.info("kube_thing_info", "That it exists.", STABLE)(lambda thing: [()])
    things.resource.rows("kube_thing_size", "Its size.", STABLE, labels="")(lambda thing: [(7,)])

    assert [f"kube_thing_info{{{IDS}}} 1\n", f"kube_thing_size{{{IDS}}} 7\n"] == things.render()


def test_identity_labels_are_escaped(things: Things) -> None:
    """Though the API server lets few kinds have such names."""
    things.resource.value("f", "Text.", STABLE)(lambda thing: 1)

    assert [r'f{namespace="shop",thing="\"\\\n"} 1' + "\n"] == things.render('"\\\n')


@pytest.mark.parametrize(("viewed", "length", "looks"), [(True, 6, 1), (False, 4, 0)])
def test_families_take_the_view_of_a_resource(viewed: bool, length: int, looks: int) -> None:
    """It is made once an object, for those that are declared so; where none of them is on, not at all."""
    made = []

    def view(message: PartialObjectMetadata) -> PartialObjectMetadata:
        made.append(message)
        return PartialObjectMetadata(metadata={"namespace": "window"})

    def measured(thing: PartialObjectMetadata) -> int:
        return len(thing.metadata.namespace)

    things = Things(view=view)
    declare = things.resource.viewed if viewed else things.resource
    declare.value("f", "Text.", STABLE)(measured)
    declare.value("g", "Text.", STABLE)(measured)
    things.resource.value("h", "Text.", STABLE)(measured)

    assert [f"f{{{IDS}}} {length}\n", f"g{{{IDS}}} {length}\n", f"h{{{IDS}}} 4\n"] == things.render()
    assert looks == len(made)


def test_the_decorated_function_is_what_it_was(things: Things) -> None:
    """A test can call it, and two families can share it."""

    def size(thing: object) -> int:
        return 1

    assert size is things.resource.value("f", "Text.", STABLE)(size)


def raises(thing: object) -> Any:
    """Fail as a function with a fault does."""
    raise LookupError("odd")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_family_that_raises_costs_only_itself(things: Things, shape: str) -> None:
    """Those before and after it are written, and the failure is told with the family and the error."""
    things.resource.value("before", "Text.", STABLE)(lambda thing: 1)
    SHAPES[shape](things.resource, raises)
    things.resource.value("after", "Text.", STABLE)(lambda thing: 2)

    assert [f"before{{{IDS}}} 1\n", "", f"after{{{IDS}}} 2\n"] == things.render()
    assert [("f", "odd")] == [(name, str(error)) for name, error in things.failures]


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("value", "1x"),
        ("info", None),
        ("info", [("one",)]),
        ("info", [("one", None)]),
        ("info", [("one", 2)]),
        ("rows", [("a", "b", None)]),
        ("states", [("a",)]),
        ("mapping", [("a", "b")]),
    ],
)
def test_what_does_not_fit_the_shape_costs_only_its_family(things: Things, shape: str, said: object) -> None:
    """None where rows are due, rows too short, labels that are no text, values that are no number."""
    SHAPES[shape](things.resource, lambda thing: said)
    things.resource.value("after", "Text.", STABLE)(lambda thing: 2)

    assert ["", f"after{{{IDS}}} 2\n"] == things.render()
    assert ["f"] == [name for name, _ in things.failures]


def test_a_part_that_cannot_be_read_costs_only_its_families(things: Things) -> None:
    """Each of them is told, with the error of the part."""
    broken = things.resource.part(raises, {"item": "name"})
    broken.value("f", "Text.", STABLE)(lambda item: 1)
    broken.value("g", "Text.", STABLE)(lambda item: 1)
    things.resource.value("after", "Text.", STABLE)(lambda thing: 2)

    assert ["", "", f"after{{{IDS}}} 2\n"] == things.render()
    assert [("f", "odd"), ("g", "odd")] == [(name, str(error)) for name, error in things.failures]


def field(number: int, content: bytes) -> bytes:
    """Encode a field of text or of a message, as protobuf does."""
    return bytes([number << 3 | 2, len(content)]) + content


@pytest.mark.parametrize("value", [-1, -0.5, float("nan"), float("-inf")])
def test_a_counter_that_is_no_count_is_told(things: Things, value: float) -> None:
    """It is written all the same, as the text format allows; of a gauge nothing is told."""
    things.resource.value("a_total", "Text.", STABLE, type="counter")(lambda thing: value)
    things.resource.rows("b_total", "Text.", STABLE, labels="a", type="counter")(lambda thing: [("x", 1), ("y", value)])
    things.resource.value("c_total", "Text.", STABLE, type="counter")(lambda thing: 0)
    things.resource.value("d", "Text.", STABLE)(lambda thing: value)

    assert [1, 2, 1, 1] == [text.count("\n") for text in things.render()]
    assert ["a_total", "b_total"] == [name for name, _ in things.failures]
    assert {ValueError} == {type(error) for _, error in things.failures}


def test_text_that_is_not_utf8_costs_only_the_families_that_show_it(things: Things) -> None:
    """Protobuf gives bytes for such a field, and raises for such a key or value of a map."""
    labels = things.resource.mapping("labels", "Text.", STABLE, prefix="label")
    labels(lambda thing: thing.metadata.labels)
    uid = things.resource.info("uid", "Text.", STABLE, labels="uid")
    uid(lambda thing: [(thing.metadata.uid,)])
    both = things.resource.info("both", "Text.", STABLE, labels="name uid")
    both(lambda thing: [(thing.metadata.name, thing.metadata.uid)])
    things.resource.value("after", "Text.", STABLE)(lambda thing: 2)
    entry = field(1, b"key") + field(2, b"\xff")
    message = PartialObjectMetadata.FromString(
        field(1, field(1, b"t") + field(3, b"shop") + field(5, b"a\xffb") + field(11, entry))
    )

    assert ["", "", "", f"after{{{IDS}}} 2\n"] == things.compile().render(message)
    assert ["labels", "uid", "both"] == [name for name, _ in things.failures]


def test_an_object_whose_name_is_not_utf8_raises(things: Things) -> None:
    """There is nothing to say of it; whoever renders it counts it."""
    things.resource.value("f", "Text.", STABLE)(lambda thing: 1)

    with pytest.raises(TypeError):
        things.compile().render(PartialObjectMetadata.FromString(field(1, field(1, b"\xff"))))


@pytest.mark.parametrize(
    ("shape", "said", "lines", "repeated"),
    [
        ("info", [("x", "y"), ("x", "y"), ("x", "z"), ("x", "y")], ['f{%s,a="x",b="y"} 1', 'f{%s,a="x",b="z"} 1'], 2),
        ("rows", [("x", "y", 1), ("x", "z", 1), ("x", "y", 2)], ['f{%s,a="x",b="y"} 1', 'f{%s,a="x",b="z"} 1'], 1),
        ("states", [("x", "up"), ("x", "down")], ['f{%s,a="x",b="up"} 1', 'f{%s,a="x",b="down"} 0'], 1),
    ],
)
def test_a_repeated_series_is_written_once(
    things: Things, shape: str, said: object, lines: list[str], repeated: int
) -> None:
    """With its first value, and counted: Prometheus refuses a scrape that has it twice."""
    SHAPES[shape](things.resource, lambda thing: said)

    assert ["".join(line % IDS + "\n" for line in lines)] == things.render()
    assert [repeated] == things.duplicates


def test_a_repeated_item_is_written_once(things: Things) -> None:
    """For all families of the part, and counted once an object."""
    owners = things.resource.part(lambda thing: thing.metadata.ownerReferences, {"owner": "name"})
    for name in ("f", "g"):
        owners.value(name, "Text.", STABLE)(lambda owner: len(owner.kind))

    texts = things.render(ownerReferences=[OwnerReference(kind=kind, name="x") for kind in ("A", "AB", "ABC")])

    assert [f'{name}{{{IDS},owner="x"}} 1\n' for name in ("f", "g")] == texts
    assert [2] == things.duplicates


def test_a_traceback_shows_the_generated_source(things: Things) -> None:
    """A fault in it is found by reading, as in any code."""
    things.resource.info("kube_thing_info", "Text.", STABLE, labels="a b")(lambda thing: [("one",)])

    things.render()
    shown = "".join(traceback.format_exception(things.failures[0][1]))

    assert 'File "<families of things>"' in shown
    assert "for l0, l1, in rows:" in shown


def test_without_an_allowlist_no_labels_are_written(things: Things) -> None:
    """Their families stay known, for HELP and TYPE, but are neither called nor in the texts."""
    things.resource.mapping("l", "Text.", STABLE, prefix="label", allowlist="labels")(raises)
    things.resource.mapping("a", "Text.", ALPHA, prefix="annotation", allowlist="annotations")(
        lambda thing: thing.metadata.annotations
    )
    message = PartialObjectMetadata(metadata={"namespace": "shop", "name": "t", "annotations": {"x": "1", "y": "2"}})

    compiled = things.compile(annotations_allowlist=["y"])

    assert ["l", "a"] == [family.name for family in compiled.families]
    assert (1,) == compiled.live
    assert [f'a{{{IDS},annotation_y="2"}} 1\n'] == compiled.render(message)
    assert [] == things.failures


def test_a_family_that_is_off_costs_nothing(things: Things) -> None:
    """Neither its function nor its part is called."""
    things.resource.value("on", "Text.", STABLE)(lambda thing: 1)
    things.resource.part(raises, {"item": "name"}).value("off", "Text.", STABLE)(raises)

    def failed(family: Family, error: Exception) -> None:
        raise AssertionError(family)

    compiled = compile_resource(things.resource, things.resource.families[:1], failed=failed, duplicated=lambda _: None)

    assert "fn1" not in compiled.source
    assert "part0" not in compiled.source
    assert [f"on{{{IDS}}} 1\n"] == compiled.render(PartialObjectMetadata(metadata={"namespace": "shop", "name": "t"}))
