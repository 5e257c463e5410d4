"""Texts of templates equal those that are written for the object alone. Which fields vary, the kinds say."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.metrics.compiler import FEW, compile_resource
from ksm_shard.metrics.families import ALPHA, Resource
from ksm_shard.metrics.templates import IDS, MOST, REST, SHARED, TRIAL, WORTH
from ksm_shard.wire.messages.meta_v1_pb2 import ObjectMeta, OwnerReference, PartialObjectMetadata, Time


class Shop:
    """A resource with enough families for templates, and what its renderer tells.

    Attributes:
        calls: objects of which the function `generation` was asked.
        failures: names of the families that failed.
        duplicates: numbers of repeated series.
    """

    def __init__(self, *, varied: str = "name uid creationTimestamp") -> None:
        """Declare families of each shape, of the object and of its owners, and compile them; without templates if none `varied`."""
        self.calls = 0
        self.failures: list[str] = []
        self.duplicates: list[int] = []
        things = Resource(
            "v1",
            "things",
            PartialObjectMetadata,
            labels={"namespace": "namespace", "thing": "name"},
            shared={"uid": "uid"},
            view=lambda thing: thing.metadata,
            varied={"ObjectMeta": varied} if varied else {},
        )
        things.viewed.value("generation", "Text.", ALPHA)(self._generation)
        things.one_hot("deep", "Text.", ALPHA, label="is", states=("yes", "no"))(lambda thing: "yes")
        things.info("owner", "Text.", ALPHA, labels="kind name")(
            lambda thing: [(owner.kind, owner.name) for owner in thing.metadata.ownerReferences]
        )
        # Says nothing of what varies unless there is an owner.
        things.info("named", "Text.", ALPHA, labels="name owner")(
            lambda thing: [(thing.metadata.name, owner.name) for owner in thing.metadata.ownerReferences]
        )
        things.value("created", "Text.", ALPHA)(lambda thing: thing.metadata.creationTimestamp.seconds)
        for shared in (False, True):
            owners = things.part(lambda thing: thing.metadata.ownerReferences, {"owner": "name"}, shared=shared)
            owners.rows(f"size_{shared}", "Text.", ALPHA, labels="kind")(lambda owner: [(owner.kind, len(owner.kind))])
            owners.value(f"even_{shared}", "Text.", ALPHA)(lambda owner: len(owner.name) % 2)
        for number in range(FEW):
            things.value(f"f{number}", "Text.", ALPHA)(lambda thing: None)
        compiled = compile_resource(
            things,
            things.families,
            failed=lambda family, error: self.failures.append(family.name),
            duplicated=self.duplicates.append,
        )
        self.render = compiled.render

    def _generation(self, metadata: Any) -> int:
        self.calls += 1
        if metadata.generation < 0:
            raise ValueError("below zero")
        return int(metadata.generation)


def thing(name: str = "t", uid: str = "u", owners: str = "", born: int = 0, **more: Any) -> PartialObjectMetadata:
    """Return an object with owners, a letter each."""
    references = [OwnerReference(kind=owner * 2, name=owner) for owner in owners]
    created = Time(seconds=born)
    return PartialObjectMetadata(
        metadata=ObjectMeta(
            namespace="shop", name=name, uid=uid, ownerReferences=references, creationTimestamp=created, **more
        )
    )


ODD = st.sampled_from(["", "a", '"', "\\", "\n", "%", "%%", "%s", "%(ids)s", IDS, SHARED, "\x00é\u2028", "0", "1"])
THINGS = st.builds(thing, ODD, ODD, st.text('ab"\\\n%', max_size=3), st.integers(0, 9), generation=st.integers(-1, 1))


KNOWING, WRITING = Shop(), Shop(varied="")


@settings(max_examples=200)
@given(THINGS, st.booleans())
def test_an_object_is_said_to_be_what_it_is_whoever_came_before(one: PartialObjectMetadata, packed: bool) -> None:
    """Its texts, failures and repeated series are those of a renderer without templates, whatever its names are."""
    for _ in range(2):
        for shop in (KNOWING, WRITING):
            del shop.failures[:], shop.duplicates[:]

        assert WRITING.render(one) == KNOWING.render(one, one.SerializeToString() if packed else None)
        assert WRITING.failures == KNOWING.failures
        assert sum(WRITING.duplicates) == sum(KNOWING.duplicates)


def test_what_many_objects_say_is_not_written_again() -> None:
    """A function is asked once for all objects that differ only in what varies, or in fields that no message declares."""
    shop = Shop()
    for born, name in enumerate("abcd"):
        unknown = b"\x0a\x04\xfa\x01\x01" + name.encode()  # of the metadata, number 31
        shop.render(thing(name, born=born), thing(name, born=born).SerializeToString() + unknown)

    assert shop.calls == 1


def test_objects_that_all_say_something_else_get_no_template_for_a_while() -> None:
    """After a trial their texts are written at once, and are right; after a rest there is another trial."""
    shop = Shop()
    for generation in range(TRIAL):
        shop.render(thing(generation=generation))
    shop.calls = 0

    for _ in range(REST):
        assert 'generation{namespace="shop",thing="x"} 7\n' == shop.render(thing("x", generation=7))[0]
    assert shop.calls == REST
    for _ in range(2):
        shop.render(thing("x", generation=7))
    assert shop.calls == REST + 1


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
        assert 'even_False{namespace="shop",thing="t",owner="a"} 1\n' == texts[6]


def test_the_number_of_templates_is_bounded() -> None:
    """However many objects differ, and however often each comes."""
    shop = Shop()
    things = [thing(generation=generation) for generation in range(2 * MOST)]
    for one in things:
        for _ in range(WORTH + 2):
            shop.render(one)
    assert shop.calls == len(things)
    shop.calls = 0

    for one in things[::-1]:
        shop.render(one)

    assert len(things) - MOST <= shop.calls < len(things)
