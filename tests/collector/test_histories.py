"""Histories: whatever the order of lists, replays, deletions and re-creations, the store ends equal to a fresh process.

A small API server with a history, lists and watches of it that lag behind each other, and hand-overs in between, at random. And
what waits to be rendered shows in nothing: a process of which each event is rendered as it comes serves the same at every scrape.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from math import inf
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ksm_shard.collector.collector import Collector
from ksm_shard.collector.exposed import joined
from ksm_shard.collector.pending import Allowance
from ksm_shard.collector.sink import StoreSink
from ksm_shard.kinds.pods import pods
from ksm_shard.sharding.masks import NONE, SLOTS
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.store.pages import text_pieces
from ksm_shard.store.stamps import Stamp
from tests.wire.dicts import Dicts

# The version of an object is in one of its labels, so that old news shows.
FAMILIES = [family for family in pods.families if family.name == "kube_pod_info"]
# Slots fall into so many groups, which are gained and lost as a whole.
GROUPS = 3
MASKS = [bytes(owned >> (slot % GROUPS) & 1 for slot in range(SLOTS)) for owned in range(2**GROUPS)]
NAMES, NODES, GROUP, FEW = st.sampled_from("xxxy"), st.integers(0, 1), st.integers(0, GROUPS - 1), st.integers(1, 4)
BECOMES = st.sampled_from(["another", "another", "changed", "unreadable", "gone"])
OWNED = st.integers(0, len(MASKS) - 1)
MEANWHILE = st.sampled_from([None] * 8 + list(range(len(MASKS))))


@dataclass(frozen=True)
class Pod:
    """One version of an object."""

    name: str
    uid: str
    node: int
    version: int = 0
    readable: bool = True

    def json(self) -> dict[str, Any]:
        """Return it as the API server sends it."""
        metadata = {"namespace": "a", "name": self.name, "uid": self.uid, "resourceVersion": str(self.version)}
        return {"metadata": metadata, "status": {"hostIP": f"v{self.version}"} if self.readable else []}


@dataclass(frozen=True)
class Change:
    """What became of a name at a version."""

    version: int
    before: Pod | None
    after: Pod | None

    def event(self, node: int) -> tuple[str, Pod] | None:
        """Return type and object of the event that a watch of the pods of that node has; None if it has none."""
        before, after = (pod if pod and pod.node == node else None for pod in (self.before, self.after))
        if after:
            return ("MODIFIED" if before else "ADDED"), after
        return ("DELETED", replace(before, version=self.version)) if before else None


class Server:
    """An API server: every change has a version."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    @property
    def version(self) -> int:
        """The newest version."""
        return len(self.changes)

    def at(self, version: int) -> dict[str, Pod]:
        """Return the pods that there were at a version, by name."""
        found = {}
        for change in self.changes[:version]:
            if change.before:
                del found[change.before.name]
            if change.after:
                found[change.after.name] = change.after
        return found

    def set(self, name: str, pod: Pod | None) -> None:
        """Make, change or delete a pod."""
        version = self.version + 1
        after = replace(pod, version=version) if pod else None
        self.changes.append(Change(version, self.at(self.version).get(name), after))


class Meddling(Dicts):
    """Does something between the look at whose an object is and its put, once."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] | None = None

    def parse(self, item: Any, kind: Any) -> Any:
        """See Codec."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return super().parse(item, kind)


@dataclass
class Reading:
    """A list under way: what it has not put yet, and the version that it is of, which grows while it streams."""

    adding: bool
    rest: list[Pod]
    version: int


class Reflector:
    """What a reflector does to one sink, in whatever order it is told to."""

    def __init__(self, node: int, server: Server, sink: StoreSink) -> None:
        self.node, self.sink = node, sink
        self._server = server
        self.codec = Meddling()
        self._position = 0  # of the watch
        self.needs = "full"  # what must be listed before the watch goes on: "full", "adding" or ""
        self.reading: Reading | None = None

    @property
    def lags(self) -> bool:
        """Tell whether the watch has something to tell."""
        return self._position < self._server.version

    def start(self, full: bool, version: int) -> None:
        """Begin a list of a version. One that adds may not be older than what the watch has told."""
        adding = not full
        version = min(max(version, self._position if adding else 0), self._server.version)
        pods = self._server.at(version).values()
        self.needs = ""
        self.reading = Reading(adding, [pod for pod in pods if pod.node == self.node], version)
        (self.sink.start_adding if adding else self.sink.start_list)()

    def read(self, most: int, *, streams: bool, meanwhile: Callable[[], None] | None = None) -> None:
        """Put some of what the list has left; a stream goes on with what has happened since."""
        assert self.reading
        self.codec.meanwhile = meanwhile
        for _ in range(most):
            if self.reading.rest:
                self.sink.put(self.codec, self.reading.rest.pop(0).json())
            elif streams and self.reading.version < self._server.version:
                self._take(self._server.changes[self.reading.version])
                self.reading.version += 1
        self.codec.meanwhile = None

    def finish(self) -> None:
        """Put what is left and end the list."""
        assert self.reading
        self.read(len(self.reading.rest), streams=False)
        if self.reading.adding:
            self.sink.end_adding(str(self.reading.version))
        else:
            self.sink.end_list(str(self.reading.version))
            self._position = self.reading.version
        self.reading = None

    def abort(self) -> None:
        """Break the list off. It must be begun again."""
        assert self.reading
        self.sink.abort_list()
        self.needs = "adding" if self.reading.adding and self.needs != "full" else "full"
        self.reading = None

    def watch(self, most: int, meanwhile: Callable[[], None] | None = None) -> None:
        """Take some of what has happened since the last event."""
        self.codec.meanwhile = meanwhile
        for change in self._server.changes[self._position : self._position + most]:
            self._take(change)
            self._position = change.version
        self.codec.meanwhile = None

    def _take(self, change: Change) -> None:
        event = change.event(self.node)
        if event:
            take = {"ADDED": self.sink.put, "MODIFIED": self.sink.change, "DELETED": self.sink.drop}[event[0]]
            take(self.codec, event[1].json())


class Process:
    """Intakes of two nodes, or of one, with one store, and the ownership that they share."""

    def __init__(self, server: Server, mask: bytes, nodes: int, allowance: Allowance | None = None) -> None:
        self._postponed: list[tuple[bytes, bytes]] | None = None
        self._ownership = Ownership(MMH3, mask)
        self._collector = Collector(pods, FAMILIES, self._ownership, _never, allowance=allowance)
        self.reflectors = [Reflector(node, server, self._collector.sink()) for node in range(nodes)]
        self._ownership.on_change(self._changed)

    def own(self, mask: bytes) -> None:
        """Own these slots from now on."""
        self._ownership.change(mask)

    def _changed(self, gained: bytes, lost: bytes) -> None:
        if self._postponed is not None:
            self._postponed.append((gained, lost))
            return
        for one in self.reflectors:
            one.sink.forget(lost)
        self._collector.store.release(lost)
        if gained != NONE:
            for one in self.reflectors:
                one.needs = one.needs or "adding"

    def settle(self, version: int) -> None:
        """Read all that there is to be read up to that version."""
        for one in self.reflectors:
            if one.reading:
                one.finish()
            if one.needs:
                one.start(one.needs == "full", version)
                one.finish()
            one.watch(version)

    def fresh(self, server: Server) -> "Process":
        """Return another process that owns the same, with what it has listed."""
        made = Process(server, self._ownership.mask, len(self.reflectors))
        made.settle(server.version)
        return made

    def resting(self) -> list[Reflector]:
        """Return the reflectors that could begin a list."""
        return [one for one in self.reflectors if not one.reading]

    def reading(self) -> list[Reflector]:
        """Return those in the middle of one."""
        return [one for one in self.reflectors if one.reading]

    def watching(self) -> list[Reflector]:
        """Return those that watch, or may have read an event before they heard that they are to list."""
        return [one for one in self.resting() if one.needs != "full" and one.lags]

    def text(self) -> list[str]:
        """Return what is exported."""
        return sorted(b"".join(text_pieces(joined(self._collector.exposed(openmetrics=False)))).decode().splitlines())

    def flush(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Render what waits. Where the mask changes in the middle of an object, sinks hear of it once that is put."""
        self._postponed = []
        for one in self.reflectors:
            one.codec.meanwhile = meanwhile
        self._collector.flush()
        for one in self.reflectors:
            one.codec.meanwhile = None
        postponed, self._postponed = self._postponed, None
        for gained, lost in postponed:
            self._changed(gained, lost)

    def count(self) -> int:
        """Return how many objects it counts as its own."""
        return self._collector.objects

    def leave(self, mask: bytes | None, shared: bytes | None) -> None:
        """Write timestamps for these slots from now on, as `Handover` has it."""
        self._collector.flush()
        self._collector.store.leave(mask, shared)

    def stamped(self) -> list[str]:
        """Return a scrape with timestamps on what leaves."""
        exposed = self._collector.exposed(openmetrics=False, stamp=Stamp(1.7e9, openmetrics=False))
        return sorted(b"".join(text_pieces(joined(exposed))).decode().splitlines())

    def heard(self) -> None:
        """End all farewells: every scraper has had them."""
        self._collector.store.forget_farewells(inf)

    def seen(self) -> list[int]:
        """Return how many pods each reflector knows of."""
        return [one.sink.seen.all for one in self.reflectors]


def pick(some: list[Reflector], at: int) -> Reflector:
    """Return one of them."""
    return some[at % len(some)]


def _never() -> float:
    """Return the time as one at which no odd object is logged."""
    return float("-inf")


def _uids() -> Iterator[tuple[int, str]]:
    for number in count():
        yield MMH3.slot_of(str(number)) % GROUPS, str(number)


def happen(
    server: Server, changes: list[tuple[str, str, int, int]], uids: Iterator[tuple[int, str]], nodes: int
) -> None:
    """Make pods, change them, perhaps to something that cannot be read, delete them, make them again."""
    for name, becomes, group, node in changes:
        pod = server.at(server.version).get(name)
        if pod and becomes in {"gone", "another"}:
            server.set(name, pod)  # as its deletionTimestamp does
            server.set(name, None)
        if becomes == "another" or (not pod and becomes != "gone"):
            uid = next(uid for found, uid in uids if found == group)
            server.set(name, Pod(name, uid, node % nodes, readable=becomes != "unreadable"))
        elif pod and becomes != "gone":
            server.set(name, replace(pod, readable=becomes != "unreadable"))


class Histories(RuleBasedStateMachine):
    """Anything that can happen to a cluster, a fleet and a connection, one after another."""

    @initialize(owned=OWNED, nodes=st.integers(1, 2))
    def begin(self, owned: int, nodes: int) -> None:
        """Start a process on an empty cluster."""
        self.server = Server()
        self.nodes = nodes
        self.process = Process(self.server, MASKS[owned], nodes)
        self.uids = _uids()

    @rule(changes=st.lists(st.tuples(NAMES, BECOMES, GROUP, NODES), min_size=1, max_size=4))
    def change(self, changes: list[tuple[str, str, int, int]]) -> None:
        """Make pods, change them, perhaps to something that cannot be read, delete them, make them again."""
        happen(self.server, changes, self.uids, self.nodes)

    @precondition(lambda self: self.nodes == 1 and self.server.changes)
    @rule(lost=FEW)
    def restore(self, lost: int) -> None:
        """Go back to an older version of everything: other changes come under the same versions."""
        del self.server.changes[-lost:]
        for one in self.process.reflectors:
            if one.reading:
                one.abort()
            one.needs = "full"

    @rule(owned=OWNED, lists=st.booleans())
    def own(self, owned: int, lists: bool) -> None:
        """Scale the fleet; perhaps what was gained is listed at once."""
        self.process.own(MASKS[owned])
        for one in self.process.resting():
            if lists and one.needs == "adding":
                one.start(False, self.server.version)
                one.finish()

    @precondition(lambda self: self.process.resting())
    @rule(at=st.integers(0, 1), full=st.booleans(), age=st.integers(0, 3), completes=st.booleans())
    def list(self, at: int, full: bool, age: int, completes: bool) -> None:
        """Read a list, of the newest version or of an older one, or begin to."""
        one = pick(self.process.resting(), at)
        one.start(one.needs == "full" or (full and one.needs == ""), self.server.version - age)
        if completes:
            one.finish()

    @precondition(lambda self: self.process.reading())
    @rule(at=st.integers(0, 1), most=FEW, streams=st.booleans(), owned=MEANWHILE)
    def read(self, at: int, most: int, streams: bool, owned: int | None) -> None:
        """Go on with a list; perhaps the fleet is scaled in the middle of an object."""
        pick(self.process.reading(), at).read(most, streams=streams, meanwhile=self._scaling(owned))

    @precondition(lambda self: self.process.reading())
    @rule(at=st.integers(0, 1), completes=st.booleans())
    def end(self, at: int, completes: bool) -> None:
        """End a list, or break it off."""
        one = pick(self.process.reading(), at)
        (one.finish if completes else one.abort)()

    @precondition(lambda self: self.process.watching())
    @rule(at=st.integers(0, 1), most=FEW, owned=MEANWHILE)
    def watch(self, at: int, most: int, owned: int | None) -> None:
        """Go on with a watch; what was gained may not have been listed yet."""
        pick(self.process.watching(), at).watch(most, self._scaling(owned))

    @rule(owned=MEANWHILE)
    def flush(self, owned: int | None) -> None:
        """Render what waits, as a scrape does; perhaps the fleet is scaled in the middle of an object."""
        self.process.flush(self._scaling(owned))

    @rule()
    def settle(self) -> None:
        """Let everything be read: a process that has just started exports the same, and knows of as many."""
        self.process.settle(self.server.version)
        fresh = self.process.fresh(self.server)

        assert fresh.text() == self.process.text()
        assert fresh.seen() == self.process.seen()

    def teardown(self) -> None:
        """Settle whatever happened."""
        if hasattr(self, "process"):
            self.settle()

    def _scaling(self, owned: int | None) -> Callable[[], None] | None:
        return None if owned is None else lambda: self.process.own(MASKS[owned])


class Twins(RuleBasedStateMachine):
    """Two processes of one history: of the one objects wait, of the other each is rendered as it comes."""

    @initialize(owned=OWNED, nodes=st.integers(1, 2))
    def begin(self, owned: int, nodes: int) -> None:
        """Start both on an empty cluster."""
        self.server = Server()
        self.nodes = nodes
        self.uids = _uids()
        self.lazy = Process(self.server, MASKS[owned], nodes)
        self.eager = Process(self.server, MASKS[owned], nodes, Allowance(-1))

    @property
    def pairs(self) -> Iterator[tuple[Reflector, Reflector]]:
        """The reflectors of each node."""
        return zip(self.lazy.reflectors, self.eager.reflectors, strict=True)

    @rule(changes=st.lists(st.tuples(NAMES, BECOMES, GROUP, NODES), min_size=1, max_size=4), most=FEW)
    def change(self, changes: list[tuple[str, str, int, int]], most: int) -> None:
        """Let things happen, some of which the watches tell at once."""
        happen(self.server, changes, self.uids, self.nodes)
        self.watch(most)

    @rule(most=FEW)
    def watch(self, most: int) -> None:
        """Go on with the watches."""
        for one, other in self.pairs:
            if not one.reading and one.needs != "full":
                one.watch(most)
                other.watch(most)

    @rule(full=st.booleans(), age=st.integers(0, 3), completes=st.booleans())
    def list(self, full: bool, age: int, completes: bool) -> None:
        """Read lists, or begin to."""
        for pair in self.pairs:
            for one in pair:
                if one.reading:
                    one.finish()
                    continue
                one.start(one.needs == "full" or (full and one.needs == ""), self.server.version - age)
                if completes:
                    one.finish()

    @rule(owned=OWNED)
    def own(self, owned: int) -> None:
        """Scale the fleet."""
        self.lazy.own(MASKS[owned])
        self.eager.own(MASKS[owned])

    @rule(leaving=OWNED, shared=OWNED)
    def leave(self, leaving: int, shared: int) -> None:
        """Begin or end a hand-over."""
        for one in (self.lazy, self.eager):
            one.leave(MASKS[leaving] if leaving else None, MASKS[shared] if shared else None)

    @rule()
    def flush(self) -> None:
        """Render what waits, as a thread does at any time."""
        self.lazy.flush()

    @rule(heard=st.booleans())
    def scrape(self, heard: bool) -> None:
        """Both serve the same, timestamps and farewells included."""
        for one in (self.lazy, self.eager):
            if heard:
                one.heard()

        assert self.eager.stamped() == self.lazy.stamped()
        assert self.eager.count() == self.lazy.count()

    def teardown(self) -> None:
        """Scrape whatever happened."""
        if hasattr(self, "lazy"):
            self.scrape(heard=False)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=150, stateful_step_count=30)
TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=100, stateful_step_count=30)
