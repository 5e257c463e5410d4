"""Whose an object is, what becomes of it, and what an odd one costs. Excludes lists and watches (tests/cluster)."""

from contextlib import nullcontext, suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ksm_shard.collector.collector import Collector
from ksm_shard.collector.exposed import joined
from ksm_shard.collector.object_count import ObjectCount
from ksm_shard.collector.sink import StoreSink
from ksm_shard.kinds.pods import pods
from ksm_shard.sharding.masks import ALL, NONE, difference
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.store.pages import text_pieces
from ksm_shard.wire.codec import ProtobufCodec
from ksm_shard.wire.convert import fill
from ksm_shard.wire.frames import WireError
from tests.wire.dicts import Dicts

JSON = Dicts()
PROTOBUF = ProtobufCodec()
MINE, FOREIGN = "a-uid", "another-uid"
MASK = MMH3.mask(0, 2) if MMH3.target_map(2)[MMH3.slot_of(MINE)] == 0 else MMH3.mask(1, 2)


def pod(name: str, uid: str = "", version: int = 1, phase: str = "Running") -> dict[str, Any]:
    """Return a pod as JSON; its uid is one of MASK unless given."""
    uid = uid or next(uid for number in count() if MASK[MMH3.slot_of(uid := f"{name}-{number}")])
    metadata = {"namespace": "a", "name": name, "uid": uid, "resourceVersion": str(version)}
    return {"metadata": metadata, "status": {"phase": phase}}


# Text as JSON can spell it, halves of characters included, and whatever else may stand where text should.
ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["\ud800", [None], {"a": None}])
JSON_PODS = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {}, optional=dict.fromkeys(["namespace", "name", "uid", "resourceVersion"], ODD)
        )
    },
    optional={"status": ODD | st.dictionaries(st.sampled_from(["phase", "conditions"]), ODD)},
) | st.dictionaries(st.sampled_from(["metadata", "status"]), ODD)


def garbled(name: str, at: int, by: bytes) -> bytes:
    """Return a pod as protobuf, with some of its bytes replaced."""
    message = pods.shape.message()
    fill(message, pod(name))
    data = message.SerializeToString()
    return data[: at % len(data)] + by + data[at % len(data) + len(by) :]


PROTOBUF_PODS = st.binary(max_size=40) | st.builds(
    garbled, st.text(st.characters(codec="utf-8")), st.integers(0, 99), st.binary(max_size=4)
)


class Shop:
    """A sink with what stands behind it."""

    def __init__(self, mask: bytes = ALL) -> None:
        self.ownership = Ownership(MMH3, mask)
        families = [family for family in pods.families if family.name == "kube_pod_status_phase"]
        self.now = 0.0
        self.collector = Collector(pods, families, self.ownership, lambda: self.now)
        self.listed = 0
        self.sink: StoreSink = self.collector.sink()
        self.skipped: list[Exception] = []
        self.sink.on_skipped = self.skipped.append
        self.collector._news = self._count

    def _count(self) -> None:
        self.listed += 1

    def phases(self) -> dict[str, str]:
        """Return the phase of each pod in the store."""
        lines = b"".join(text_pieces(joined(self.collector.exposed(openmetrics=False)))).decode().splitlines()
        found = {}
        for line in lines:
            if not line.startswith("#") and line.endswith(" 1"):
                found[line.split('pod="')[1].split('"')[0]] = line.split('phase="')[1].split('"')[0]
        return found


@pytest.fixture
def shop() -> Shop:
    """A sink that owns everything."""
    return Shop()


def test_only_the_uid_of_a_foreign_object_is_read() -> None:
    """An object of another shard counts as seen, and what else it holds may be garbage."""
    shop = Shop(MASK)
    assert not MASK[MMH3.slot_of(FOREIGN)]

    shop.sink.start_list()
    shop.sink.put(JSON, {"metadata": {"uid": FOREIGN}, "status": "garbage"})
    shop.sink.put(JSON, pod("mine"))
    shop.sink.end_list("5")

    assert {"mine": "Running"} == shop.phases()
    assert (2, 2, 1) == (shop.sink.seen.all, shop.sink.seen.listed, shop.listed)
    assert not shop.collector.stats.render_errors


def test_the_end_of_a_list_and_not_its_beginning_drops_what_is_gone(shop: Shop) -> None:
    """A scrape while a relist is under way sees what was known before."""
    shop.sink.put(JSON, pod("gone"))
    shop.sink.put(JSON, pod("stays"))

    shop.sink.start_list()
    shop.sink.put(JSON, pod("stays", phase="Failed"))
    during = shop.phases()
    shop.sink.end_list("9")

    assert {"gone": "Running", "stays": "Failed"} == during
    assert {"stays": "Failed"} == shop.phases()


def test_a_list_that_breaks_off_drops_nothing(shop: Shop) -> None:
    """What was known before a broken list is still known after it."""
    shop.sink.put(JSON, pod("old"))

    shop.sink.start_list()
    shop.sink.put(JSON, pod("new"))
    shop.sink.abort_list()

    assert {"old", "new"} == set(shop.phases())
    assert shop.listed == 0


def test_an_object_made_again_under_its_name_replaces_its_predecessor(shop: Shop) -> None:
    """Two uids of one name never stand in the same scrape, even when the DELETED of the first was missed."""
    shop.sink.put(JSON, pod("a", uid="first"))
    shop.sink.put(JSON, pod("a", uid="second", phase="Failed"))

    assert {"a": "Failed"} == shop.phases()


def test_a_deleted_object_is_dropped_however_it_was_sent(shop: Shop) -> None:
    """Both codecs can name the object of a DELETED event."""
    message = pods.shape.message()
    fill(message, pod("proto"))
    shop.sink.put(PROTOBUF, message.SerializeToString())
    shop.sink.put(JSON, pod("json"))

    shop.sink.drop(PROTOBUF, message.SerializeToString())
    shop.sink.drop(JSON, pod("json"))

    assert {} == shop.phases()


def test_after_gained_slots_were_listed_older_events_of_theirs_are_old_news() -> None:
    """The watch goes on from before that list: what it tells of gained slots up to the list's version is ignored."""
    shop = Shop(difference(ALL, MASK))
    shop.sink.start_list()
    shop.sink.end_list("30")
    shop.ownership.change(ALL)
    shop.sink.start_adding()
    shop.sink.put(JSON, pod("gained", version=50, phase="Running"))
    shop.sink.end_adding("60")

    shop.sink.put(JSON, pod("gained", version=40, phase="Pending"))
    shop.sink.put(JSON, pod("deleted-before-the-list", version=45))
    shop.sink.drop(JSON, pod("gained", version=45))
    before = shop.phases()
    shop.sink.put(JSON, pod("gained", version=61, phase="Failed"))

    assert {"gained": "Running"} == before
    assert {"gained": "Failed"} == shop.phases()


def test_events_of_slots_that_were_held_all_along_are_not_ignored() -> None:
    """For what was already served the watch is the only news, whatever the list of gained slots said."""
    shop = Shop(MASK)
    shop.sink.start_list()
    shop.sink.put(JSON, pod("held", version=20, phase="Pending"))
    shop.sink.end_list("30")
    shop.ownership.change(ALL)
    shop.sink.start_adding()
    shop.sink.put(JSON, pod("held", version=50, phase="Failed"))
    shop.sink.end_adding("60")
    after_the_list = shop.phases()

    shop.sink.put(JSON, pod("held", version=40, phase="Running"))

    assert {"held": "Pending"} == after_the_list
    assert {"held": "Running"} == shop.phases()


def test_older_news_of_a_predecessor_leaves_its_successor_alone() -> None:
    """The list that adds has `a` of a gained slot; the watch then tells how the `a` of a slot held all along changed and went."""
    shop = Shop(MASK)
    shop.sink.start_list()
    shop.sink.put(JSON, pod("a", MINE, version=20))
    shop.sink.end_list("30")
    shop.ownership.change(ALL)
    shop.sink.start_adding()
    shop.sink.put(JSON, pod("a", FOREIGN, version=50, phase="Pending"))
    shop.sink.end_adding("60")

    shop.sink.change(JSON, pod("a", MINE, version=40))
    changed = shop.phases()
    shop.sink.drop(JSON, pod("a", MINE, version=45))
    shop.sink.put(JSON, pod("a", FOREIGN, version=50, phase="Pending"))

    assert {"a": "Pending"} == changed
    assert {"a": "Pending"} == shop.phases()


def test_what_the_watch_put_before_a_list_that_adds_goes_when_the_watch_says_so() -> None:
    """An object of a gained slot that came by the watch and was deleted before that list is not in it: its DELETED counts."""
    shop = Shop(NONE)
    shop.sink.start_list()
    shop.sink.end_list("10")
    shop.ownership.change(ALL)
    shop.sink.put(JSON, pod("a", version=20))
    shop.sink.start_adding()
    shop.sink.end_adding("60")

    shop.sink.drop(JSON, pod("a", version=40))

    assert {} == shop.phases()


def test_a_full_list_is_right_even_if_its_versions_are_lower(shop: Shop) -> None:
    """An API server that was restored counts on from an older version; so does the watch after that list."""
    shop.sink.put(JSON, pod("a", version=50))
    shop.sink.put(JSON, pod("b", version=50))

    shop.sink.start_list()
    shop.sink.put(JSON, pod("a", version=20, phase="Failed"))
    shop.sink.put(JSON, pod("b", version=20, phase="Failed"))
    shop.sink.end_list("30")
    shop.sink.change(JSON, pod("a", version=31, phase="Pending"))
    shop.sink.drop(JSON, pod("b", version=32))

    assert {"a": "Pending"} == shop.phases()


@pytest.mark.parametrize("lists", [True, False])
def test_what_one_node_still_tells_does_not_replace_what_another_has_told_since(shop: Shop, lists: bool) -> None:
    """A pod made again on another node: the first node's list or event is older, and its DELETED is not about the second."""
    other = shop.collector.sink()
    other.put(JSON, pod("a", "second", version=50, phase="Pending"))

    if lists:
        shop.sink.start_list()
    shop.sink.put(JSON, pod("a", "first", version=20))
    if lists:
        shop.sink.end_list("30")
    shop.sink.drop(JSON, pod("a", "first", version=40))

    assert {"a": "Pending"} == shop.phases()


def test_slots_that_are_lost_and_gained_as_a_list_that_adds_begins_are_part_of_it_or_of_the_next() -> None:
    """A list never confirms a version of the ownership whose gained slots it passed over."""
    shop = Shop()
    shop.ownership.on_change(lambda gained, lost: (shop.sink.forget(lost), shop.collector.store.release(lost)))
    shop.sink.start_list()
    shop.sink.put(JSON, pod("a"))
    shop.sink.end_list("30")

    class Hurried(ObjectCount):
        """Loses and gains everything while the list begins."""

        def begin(self) -> None:
            super().begin()
            shop.ownership.change(NONE)
            shop.ownership.change(ALL)

    shop.sink.seen = Hurried(shop.ownership)
    shop.sink.start_adding()
    shop.sink.put(JSON, pod("a"))
    shop.sink.end_adding("40")

    assert shop.sink.listed_version == shop.ownership.version
    assert {"a": "Running"} == shop.phases()


def test_slots_that_were_lost_and_gained_again_are_listed_again() -> None:
    """What was released with a slot comes back with the next list that adds, although it had been listed once."""
    shop = Shop(ALL)
    shop.ownership.on_change(lambda gained, lost: (shop.sink.forget(lost), shop.collector.store.release(lost)))
    shop.sink.start_list()
    shop.sink.put(JSON, pod("a"))
    shop.sink.end_list("30")
    shop.ownership.change(difference(ALL, MASK))
    without = shop.phases()
    shop.ownership.change(ALL)

    shop.sink.start_adding()
    shop.sink.put(JSON, pod("a"))
    shop.sink.end_adding("40")

    assert {} == without
    assert {"a": "Running"} == shop.phases()


def test_a_slot_lost_while_its_object_is_put_keeps_nothing() -> None:
    """The release of a slot and a put of one of its objects may cross; nothing is left behind, and there is no last word."""
    shop = Shop()
    shop.collector.store.leave(ALL)
    message = pods.shape.message()
    fill(message, pod("late"))

    class Losing(ProtobufCodec):
        """Loses the slot between the look at the mask and the put."""

        def parse(self, item: Any, kind: Any) -> Any:
            shop.ownership.change(NONE)
            return super().parse(item, kind)

    shop.sink.put(Losing(), message.SerializeToString())

    assert {} == shop.phases()


def test_a_list_that_ends_says_no_last_word_about_what_was_lost_meanwhile() -> None:
    """Others go on to write it; it is released as soon as the thread that lost it comes to it."""
    shop = Shop()
    shop.sink.put(JSON, pod("others"))
    shop.collector.store.leave(ALL)

    shop.sink.start_list()
    shop.ownership.change(NONE)
    shop.sink.end_list("2")
    kept = shop.phases()
    shop.collector.store.release(ALL)

    assert (kept, shop.phases()) == ({"others": "Running"}, {})


def test_an_object_that_cannot_be_read_is_counted_and_costs_nobody_else(shop: Shop) -> None:
    """Garbage with a readable uid is one counted error; whose it is cannot be read either, of which the reflector hears."""
    shop.sink.put(JSON, {"metadata": {"uid": MINE, "name": 5}, "status": []})
    shop.sink.put(JSON, pod("fine"))

    assert {"fine": "Running"} == shop.phases()
    assert [WireError] == [type(error) for error in shop.skipped]
    assert {"": 1} == dict(shop.collector.stats.render_errors)


@pytest.mark.parametrize("listing", [True, False])
def test_an_object_that_can_be_read_no_longer_is_exported_no_longer(shop: Shop, listing: bool) -> None:
    """A fresh process has nothing of it, and its old values would be wrong. What has no readable name raises, and stays."""
    shop.sink.put(JSON, pod("odd"))
    shop.sink.put(JSON, pod("odder"))
    shop.collector.flush()

    if listing:
        shop.sink.start_list()
    shop.sink.put(JSON, {**pod("odd"), "status": []})
    with pytest.raises(WireError) if listing else nullcontext():
        shop.sink.put(JSON, {"metadata": {"uid": pod("odder")["metadata"]["uid"], "name": ["odder"]}})

    assert {"odder": "Running"} == shop.phases()
    assert len(shop.skipped) == (0 if listing else 1)
    assert {"": 2} == dict(shop.collector.stats.render_errors)


def test_events_keep_up_how_many_objects_there_are() -> None:
    """Additions and deletions of any shard's objects move the count; changes do not."""
    shop = Shop(MASK)
    shop.sink.start_list()
    shop.sink.end_list("1")
    shop.sink.put(JSON, pod("a", version=2))
    shop.sink.put(JSON, pod("b", FOREIGN, version=3))
    shop.sink.change(JSON, pod("a", version=4))
    shop.sink.drop(JSON, pod("b", FOREIGN, version=5))

    assert shop.sink.seen.all == 1


def test_what_happens_while_a_list_streams_is_counted_by_what_it_is(shop: Shop) -> None:
    """Before a WatchList ends a real API server may send changes too: no more objects than there are."""
    shop.sink.start_list()
    shop.sink.put(JSON, pod("a", version=1))
    shop.sink.put(JSON, pod("b", version=2))
    shop.sink.change(JSON, pod("a", version=5))
    shop.sink.drop(JSON, pod("b", version=6))
    shop.sink.end_list("7")

    assert (1, 1) == (shop.sink.seen.all, shop.sink.seen.listed)


def test_what_the_watch_tells_again_after_a_list_that_adds_is_not_counted_again() -> None:
    """That list is of version 60 and the watch goes on from 30: what came and went in between is in the count."""
    shop = Shop(difference(ALL, MASK))
    shop.sink.start_list()
    for name in ("a", "gone"):
        shop.sink.put(JSON, pod(name))
    shop.sink.end_list("30")
    shop.ownership.change(ALL)
    shop.sink.start_adding()
    for name, version in (("a", 1), ("b", 40)):
        shop.sink.put(JSON, pod(name, version=version))
    shop.sink.end_adding("60")

    shop.sink.put(JSON, pod("b", version=40))
    shop.sink.drop(JSON, pod("gone", version=50))
    replayed = shop.sink.seen.all
    shop.sink.put(JSON, pod("c", version=61))

    assert (2, 3) == (replayed, shop.sink.seen.all)


def test_a_list_that_breaks_off_leaves_the_count_alone(shop: Shop) -> None:
    """What was seen before is still what there is."""
    shop.sink.start_list()
    shop.sink.put(JSON, pod("a"))
    shop.sink.end_list("1")
    shop.sink.start_list()
    shop.sink.abort_list()

    assert shop.sink.seen.all == 1


def test_a_label_value_of_a_megabyte_is_a_label_value(shop: Shop) -> None:
    """It is written, escaped and kept like any other, beside pods of ordinary size, and survives their changes."""
    huge = pod("huge")
    huge["status"]["phase"] = "Running"
    huge["metadata"]["namespace"] = 'n"\\\n' + "x" * 1_000_000
    for name in ("before", "after"):
        shop.sink.put(JSON, pod(name))
    shop.sink.put(JSON, huge)
    shop.phases()
    shop.sink.put(JSON, pod("after", phase="Failed"))

    assert {"before": "Running", "after": "Failed", "huge": "Running"} == shop.phases()
    text = b"".join(text_pieces(joined(shop.collector.exposed(openmetrics=False)))).decode()
    (family,) = text_string_to_metric_families(text)
    assert huge["metadata"]["namespace"] in {sample.labels["namespace"] for sample in family.samples}


# A resource version that is no UTF-8.
@example([(PROTOBUF, b"\n\x12\n\x030\xc2\x80\x1a\x01a*\x05a-uid2\x01\x80\x1a\t\n\x07Running")])
@given(
    st.lists(JSON_PODS.map(lambda item: (JSON, item)) | PROTOBUF_PODS.map(lambda item: (PROTOBUF, item)), max_size=5)
)
def test_whatever_comes_is_text_that_parses_or_a_counted_error(items: list[tuple[Any, Any]]) -> None:
    """Of either format, put or dropped: nothing is raised but the WireError that the reflector counts, and others are served."""
    shop = Shop()
    for take in (shop.sink.put, shop.sink.drop, shop.sink.put):
        for codec, item in items:
            with suppress(WireError):
                take(codec, item)

    shop.sink.put(JSON, pod("fine"))
    text = b"".join(text_pieces(joined(shop.collector.exposed(openmetrics=False)))).decode()
    served = {sample.labels["pod"] for family in text_string_to_metric_families(text) for sample in family.samples}
    assert "fine" in served
