"""Texts of templates equal those that are written for the object alone. Which families have templates, the kinds say."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.metrics.compiler import FEW, compile_resource
from ksm_shard.metrics.families import ALPHA, Resource
from ksm_shard.metrics.templates import IDS, MOST, SHARED, TRIAL, Templates
from ksm_shard.wire.messages.meta_v1_pb2 import ObjectMeta, OwnerReference, PartialObjectMetadata


class Shop:
    """A resource with enough families for templates, and what its renderer tells.

    Attributes:
        calls: objects of which the function `generation` was asked.
        failures: names of the families that failed.
        duplicates: numbers of repeated series.
    """

    def __init__(self, *, varied: bool = False) -> None:
        """Declare families of each shape, of the object and of its owners, and compile them; without templates if `varied`."""
        self.calls = 0
        self.failures: list[str] = []
        self.duplicates: list[int] = []
        things = Resource(
            "v1",
            "things",
            PartialObjectMetadata,
            labels={"namespace": "namespace", "thing": "name"},
            shared={"uid": "uid"},
        )
        things.value("generation", "Text.", ALPHA, varied=varied)(self._generation)
        things.one_hot("deep", "Text.", ALPHA, label="is", states=("yes", "no"), varied=varied)(lambda thing: "yes")
        things.info("owner", "Text.", ALPHA, labels="kind name", varied=varied)(
            lambda thing: [(owner.kind, owner.name) for owner in thing.metadata.ownerReferences]
        )
        things.value("created", "Text.", ALPHA, varied=True)(lambda thing: thing.metadata.creationTimestamp.seconds)
        for shared in (False, True):
            owners = things.part(lambda thing: thing.metadata.ownerReferences, {"owner": "name"}, shared=shared)
            owners.rows(f"size_{shared}", "Text.", ALPHA, labels="kind", varied=varied)(
                lambda owner: [(owner.kind, len(owner.kind))]
            )
            owners.value(f"even_{shared}", "Text.", ALPHA, varied=varied)(lambda owner: len(owner.name) % 2)
        for number in range(FEW):
            things.value(f"f{number}", "Text.", ALPHA, varied=varied)(lambda thing: None)
        compiled = compile_resource(
            things,
            things.families,
            failed=lambda family, error: self.failures.append(family.name),
            duplicated=self.duplicates.append,
        )
        self.render = compiled.render

    def _generation(self, thing: Any) -> int:
        self.calls += 1
        if thing.metadata.generation < 0:
            raise ValueError("below zero")
        return int(thing.metadata.generation)


def thing(name: str = "t", uid: str = "u", owners: str = "", **more: Any) -> PartialObjectMetadata:
    """Return an object with owners, a letter each."""
    references = [OwnerReference(kind=owner * 2, name=owner) for owner in owners]
    return PartialObjectMetadata(
        metadata=ObjectMeta(namespace="shop", name=name, uid=uid, ownerReferences=references, **more)
    )


ODD = st.sampled_from(["", "a", '"', "\\", "\n", "%", "%%", "%s", "%(ids)s", IDS, SHARED, "\x00é\u2028", "0", "1"])
THINGS = st.builds(thing, ODD, ODD, st.text('ab"\\\n%', max_size=3), generation=st.integers(-1, 1))


KNOWING, WRITING = Shop(), Shop(varied=True)


@settings(max_examples=200)
@given(THINGS)
def test_an_object_is_said_to_be_what_it_is_whoever_came_before(one: PartialObjectMetadata) -> None:
    """Its texts, failures and repeated series are those of a renderer without templates, whatever its names are."""
    for _ in range(2):
        for shop in (KNOWING, WRITING):
            del shop.failures[:], shop.duplicates[:]

        assert WRITING.render(one) == KNOWING.render(one)
        assert WRITING.failures == KNOWING.failures
        assert sum(WRITING.duplicates) == sum(KNOWING.duplicates)


def test_what_many_objects_say_is_not_written_again() -> None:
    """A function is asked once an object, and twice where its text is written."""
    shop = Shop()
    for name in "abcd":
        shop.render(thing(name))

    assert shop.calls == 5


def test_objects_that_all_say_something_else_are_not_asked_any_more() -> None:
    """After a trial their texts are written at once, and are right."""
    shop = Shop()
    for generation in range(TRIAL):
        shop.render(thing(generation=generation))
    shop.calls = 0

    assert 'generation{namespace="shop",thing="x"} 7\n' == shop.render(thing("x", generation=7))[0]
    assert shop.calls == 1


def test_a_shared_label_that_is_no_text_costs_only_the_families_that_show_it() -> None:
    """Each time, also once there is a template of what the object says."""
    shop = Shop()
    known = thing(owners="a")
    odd = PartialObjectMetadata.FromString(known.SerializeToString().replace(b"\x01u", b"\x01\xff"))
    shop.render(known)
    for _ in range(2):
        del shop.failures[:]

        texts = shop.render(odd)

        assert ["size_True", "even_True"] == shop.failures
        assert 'even_False{namespace="shop",thing="t",owner="a"} 1\n' == texts[5]


def test_the_number_of_templates_is_bounded() -> None:
    """However much is said, and however often each of it."""
    templates = Templates(lambda *_: ["x"], None, pytest.fail, pytest.fail)
    for said in range(2 * MOST + 1):
        templates.written(said, None, "")
        templates.texts(said, None, "")
        templates.texts(said, None, "")

    known = [said for said in range(2 * MOST + 1) if templates.texts(said, None, "") is not None]

    assert templates.useful
    assert 0 < len(known) <= MOST
