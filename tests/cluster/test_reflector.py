"""The table of the reflector's docstring, cell by cell, and what it does to sink, version and waits. No sockets, no time.

What travels on the wire is not in here: see test_reader and test_client.
"""

import threading
from typing import Any

import pytest

from ksm_shard.cluster.errors import (
    Forbidden,
    Gone,
    NotFound,
    Restored,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from ksm_shard.wire.codec import UNREADABLE, Event
from ksm_shard.wire.frames import WireError
from tests.cluster.script import Step, World, added, bookmark, deleted, failure, listed, page

PATH = "/api/v1/things"
LIST: Step = [page("a", "b")]
GONE, NO, TROUBLE, GARBAGE = Gone(PATH, ""), Forbidden(PATH, ""), Unavailable(PATH, ""), WireError("garbage")
TIMEOUT = Unavailable(PATH, "timed out")
RESTORED = Restored(PATH, "Too large resource version", code=504)
TOO_LARGE = Event("ERROR", {"code": 504, "details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}})
MISSING = NotFound(PATH, "404 page not found", code=404)


def no_time(world: World) -> bool:
    """Tell whether the reflector has never waited."""
    return world.waits == []


def test_listing_then_watching() -> None:
    """A list is followed by a watch from its version, and a watch that ends by one from the last event's."""
    world = World(LIST, [added("c", 11), deleted("a", 12), bookmark(15)], [added("d", 16)]).play()

    assert world.asked == ["list", "watch 10", "watch 15"]
    assert world.sink.held == {"b", "c", "d"}
    assert world.reflector.resource_version == "16"
    assert no_time(world)


@pytest.mark.parametrize(
    ("error", "after", "state", "slow"),
    [
        (GONE, "list", None, False),
        (NO, "list", "forbidden", False),
        (NotFound(PATH, ""), "list", "absent", False),
        (Unsupported(PATH, ""), "list", "unsupported", False),
        (Unauthorized(PATH, ""), "list", "waiting", False),
        (TROUBLE, "list", "waiting", False),
        (GARBAGE, "list", "waiting", False),
        (RuntimeError("a fault of ours"), "list", "waiting", False),
    ],
)
def test_listing_fails(error: Exception, after: str, state: str | None, slow: bool) -> None:
    """Whatever breaks a list off, the sink keeps what it had, and the list begins again when it is time."""
    world = World([page("a", following="more"), error], LIST).play()

    assert world.asked == ["list", after]
    assert world.sink.log == ["start_list", "abort_list", "start_list", "end_list 10"]
    assert [one for one in world.observer.states if one not in {"listing", "watching", "stopped"}] == (
        [state] if state else []
    )
    assert len(world.waits) == (1 if state else 0)
    assert all((30 <= seconds <= 60) is slow for seconds in world.waits)


@pytest.mark.parametrize(
    ("error", "after", "state", "slow"),
    [
        (GONE, "list", None, False),
        (RESTORED, "list", None, False),
        (NO, "watch 11", "forbidden", True),
        (NotFound(PATH, ""), "watch 11", "absent", True),
        (Unsupported(PATH, ""), "list", "unsupported", True),
        (Unauthorized(PATH, ""), "watch 11", "waiting", False),
        (TROUBLE, "watch 11", "waiting", False),
        (GARBAGE, "watch 11", "waiting", False),
        (RuntimeError("a fault of ours"), "watch 11", "waiting", False),
        (failure(410), "list", None, False),
        (TOO_LARGE, "list", None, False),
        (failure(500), "watch 11", "waiting", False),
        (failure(0), "watch 11", "waiting", False),
        (Event("NONSENSE", {}), "watch 11", "waiting", False),
    ],
)
def test_watching_fails(error: Any, after: str, state: str | None, slow: bool) -> None:
    """Whatever breaks a watch off, it goes on from the last event, or lists if that is no longer possible."""
    world = World(LIST, [added("c", 11), error], LIST if after == "list" else [bookmark(12)]).play()

    assert world.asked[:3] == ["list", "watch 10", after]
    assert {"a", "b"} <= world.sink.held
    assert [one for one in world.observer.states if one not in {"listing", "watching", "stopped"}] == (
        [state] if state else []
    )
    assert all((30 <= seconds <= 60) is slow for seconds in world.waits)


@pytest.mark.parametrize(
    "error", [NO, NotFound(PATH, ""), Unsupported(PATH, ""), TROUBLE, GARBAGE, RuntimeError("a fault of ours")]
)
def test_adding_fails(error: Exception) -> None:
    """A list for what was gained that breaks off is begun again as such; the version moves by events only."""
    world = World(LIST, [added("c", 12)], [page("d"), error], [page("d", version=20)], [added("e", 13)])
    world.steps[1].append(lambda: world.reflector.relist_soon("gained"))

    world.play()

    assert world.observer.relists == ["start", "gained", "gained"]
    assert len(world.waits) == 1
    assert world.asked == ["list", "watch 10", "list", "list", "watch 12"]
    assert world.sink.log == [
        "start_list",
        "end_list 10",
        "start_adding",
        "abort_list",
        "start_adding",
        "end_adding 20",
    ]
    assert world.sink.held == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize("steps", [[[page("a"), MemoryError()]], [LIST, [MemoryError()]]])
def test_no_memory(steps: list[Step]) -> None:
    """Without memory there is no going on: the thread ends with it, and its process at once."""
    with pytest.raises(MemoryError):
        World(*steps).play()


@pytest.mark.parametrize("where", ["watching", "listing"])
def test_removed(where: str) -> None:
    """What was known of an API goes at the second 404, if discovery does not have it either; it is listed when it is back."""
    steps: list[Step] = [[MISSING], [MISSING], LIST, [added("d", 11)]]
    world = World(LIST, *([[GONE], *steps] if where == "listing" else steps))
    world.removed = True

    world.play()

    assert world.asked[-4:] == (
        ["list"] * 3 + ["watch 10"] if where == "listing" else ["watch 10"] * 2 + ["list", "watch 10"]
    )
    assert world.sink.log[-4:].count("end_list ") == 1
    assert world.observer.relists[-1] == "absent"
    assert world.sink.held == {"a", "b", "d"}


@pytest.mark.parametrize(
    ("removed", "steps"),
    [
        (False, [[MISSING], [MISSING], [MISSING], [added("c", 11)]]),
        (True, [[MISSING], [TROUBLE], [MISSING], [added("c", 11)]]),
        (True, [[MISSING], [added("c", 11), MISSING]]),
    ],
)
def test_not_removed(removed: bool, steps: list[Step]) -> None:
    """A 404 that discovery knows nothing of, or that is not the second in a row, costs nothing that is known."""
    world = World(LIST, *steps)
    world.removed = removed

    world.play()

    assert world.observer.relists == ["start"]
    assert world.sink.held == {"a", "b", "c"}


@pytest.mark.parametrize("where", ["listing", "watching", "resuming"])
def test_forbidden_and_not_served(where: str) -> None:
    """RBAC answers 403 before anybody looks whether there is such an API: what discovery does not have is absent."""
    steps: list[Step] = {"listing": [[NO]], "watching": [LIST, [NO]], "resuming": [LIST, [TROUBLE], [NO]]}[where]
    world = World(*steps)
    world.removed = True

    world.play()

    assert "forbidden" not in [*world.observer.states, *world.observer.lists, *world.observer.watches]
    assert "absent" in (world.observer.lists if where == "listing" else world.observer.watches)
    assert world.reflector.last_error == f"{PATH}: the API server does not serve it"


def test_forbidden_and_removed() -> None:
    """Whoever has no right to it learns of the removal of an API by discovery: what was known goes at the second 403."""
    world = World(LIST, [NO], [NO], LIST)
    world.removed = True

    world.play()

    assert world.sink.log[-4:] == ["start_list", "end_list ", "start_list", "end_list 10"]
    assert world.observer.relists == ["start", "absent"]


@pytest.mark.parametrize("error", [NO, NotFound(PATH, "")])
def test_first_list_is_refused(error: Exception) -> None:
    """One refusal says little while a first list is waited for: that is asked about again in a second or two, others slowly."""
    world = World([error], [error], [error], LIST, [GONE], [error], LIST)

    world.play()

    assert world.refusals == [1, 2, 3, 1]
    assert 1 <= world.waits[0] <= 2
    assert all(30 <= seconds <= 60 for seconds in world.waits[1:])
    assert world.reflector.refusals == 0


def test_adding_then_watching() -> None:
    """What is gained is listed without replacing anything, and then the watch goes on where it was."""
    world = World(LIST, [added("c", 12)], [page("d", version=20)], [added("e", 13)])
    world.steps[1].append(lambda: world.reflector.relist_soon("gained"))

    world.play()

    assert world.asked == ["list", "watch 10", "list", "watch 12"]
    assert world.sink.log[2:] == ["start_adding", "end_adding 20"]
    assert world.sink.held == {"a", "b", "c", "d", "e"}
    assert no_time(world)


def test_gone_while_adding() -> None:
    """A list for what was gained that meets a 410 becomes a full one, which has what was gained as well."""
    world = World(LIST, [added("c", 12)], [GONE], [page("d", version=20)])
    world.steps[1].append(lambda: world.reflector.relist_soon("gained"))

    world.play()

    assert world.sink.log == ["start_list", "end_list 10", "start_adding", "abort_list", "start_list", "end_list 20"]
    assert world.sink.held == {"d"}


def test_other_reasons_replace_all() -> None:
    """Settings that changed break the watch off for a full list, which also makes up for what was gained meanwhile."""
    world = World(LIST, [], [page("z", version=30)], [added("y", 31)])

    def change() -> None:
        for reason in ("gained", "settings", "gained"):
            world.reflector.relist_soon(reason)

    world.steps[1] = [added("c", 12), change]

    world.play()

    assert world.asked == ["list", "watch 10", "list", "watch 30"]
    assert world.observer.relists == ["start", "settings"]
    assert world.sink.held == {"z", "y"}


def test_wanted_during_a_list() -> None:
    """A list is not broken off for another: what is gained meanwhile is listed after it, before any watch."""
    world = World([], [page("d", version=20)], [])
    world.steps[0] = [page("a", following="more"), lambda: world.reflector.relist_soon("gained"), page("b")]

    world.play()

    assert world.asked == ["list", "list", "watch 10"]
    assert world.observer.relists == ["start", "gained"]


def test_watch_list() -> None:
    """A WatchList is a list until its bookmark and a watch after it, all in one request."""
    world = World([added("a", 3), added("b", 7), listed(9), added("c", 11)], [deleted("a", 12)], watch_list=True).play()

    assert world.asked == ["stream", "watch 11"]
    assert world.sink.log == ["start_list", "end_list 9"]
    assert world.sink.held == {"b", "c"}
    assert world.observer.events == ["ADDED", "DELETED"]  # the initial ones are the list's


def test_watch_list_refused() -> None:
    """A server without WatchList is asked for pages at once, and for an hour: it may be another one by then."""
    world = World([Unsupported(PATH, "")], LIST, [GONE], LIST, [], [listed(20), bookmark(21)], watch_list=True)
    world.steps[4] = [bookmark(11), world.later(3601), GONE]

    world.play()

    assert world.asked[:6] == ["stream", "list", "watch 10", "list", "watch 10", "stream"]
    assert no_time(world)


@pytest.mark.parametrize(
    "said",
    [
        [added("a", 3), TIMEOUT],
        [TIMEOUT],
        [added("a", 3), bookmark(4), bookmark(5)],
        [added("a", 3)],
    ],
)
def test_watch_list_without_end(said: Step) -> None:
    """A server that ignores the parameters says nothing, or a bookmark a minute, after its objects: it is asked for pages then."""
    world = World([], LIST, watch_list=True)
    world.steps[0] = [part for one in said for part in (world.later(65), one)]
    if said == [added("a", 3)]:
        world.steps[0] = [*said, world.later(601)]

    world.play()

    assert world.asked == ["stream", "list"]
    assert no_time(world)


def test_watch_list_that_takes_its_time() -> None:
    """As long as objects come, they are waited for, and the server's trouble is no sign that it has no WatchList."""
    objects = [added(f"{number}", 3) for number in range(8)]
    world = World([], [], watch_list=True)
    world.steps[0] = [part for one in objects for part in (world.later(40), one)]
    world.steps[0] += [world.later(40), TROUBLE]
    world.steps[1] = [*world.steps[0][:-2], listed(9)]

    world.play()

    assert world.asked == ["stream", "stream"]
    assert world.observer.lists[0] == "unavailable"


def test_watch_list_cut_short() -> None:
    """A WatchList that ends before its bookmark is no list, and is tried again."""
    world = World([added("a", 3)], [added("a", 3), listed(9)], watch_list=True).play()

    assert world.asked == ["stream", "stream"]
    assert world.sink.log == ["start_list", "abort_list", "start_list", "end_list 9"]


def test_watch_list_for_what_was_gained() -> None:
    """The stream that adds is closed at its bookmark: the watch goes on from before it."""
    world = World([added("a", 3), listed(9)], [added("b", 4), listed(20), added("x", 21)], [], watch_list=True)
    world.steps[0].append(lambda: world.reflector.relist_soon("gained"))

    world.play()

    assert world.asked == ["stream", "stream", "watch 9"]
    assert world.sink.held == {"a", "b"}


def test_wanted_during_a_watch_list() -> None:
    """The rest of a WatchList is closed if a list is wanted by the time that it would be watched."""
    world = World([], [added("b", 4), listed(20)], [added("c", 10)], watch_list=True)
    world.steps[0] = [added("a", 3), lambda: world.reflector.relist_soon("gained"), listed(9), added("x", 10)]

    world.play()

    assert world.asked == ["stream", "stream", "watch 9"]
    assert world.sink.held == {"a", "b", "c"}


def test_limit_reads_pages() -> None:
    """An object limit ends the list early, and is the page size if it is less."""
    world = World(
        [page("a", "b", following="more"), page("c", "d", following="more"), page("e")], watch_list=True, object_limit=3
    )

    world.play()

    assert world.requests[0] == ("list", {"limit": "3"})
    assert world.sink.held == {"a", "b", "c"}


def test_server_side_sharding_reads_pages() -> None:
    """Only a page says whether the server applied the shardSelector, and every list asks for the one that holds then."""
    selectors = iter(["x", "x", "y", "y"])
    world = World(
        [page("a", shard_selector="x")],
        [GONE],
        [page("b")],
        watch_list=True,
        selectors=lambda: {"shardSelector": next(selectors)},
    )

    world.play()

    assert [query["shardSelector"] for _, query in world.requests] == ["x", "x", "y"]
    assert world.reflector.filtered_by == ""


@pytest.mark.parametrize("watch_list", [True, False])
def test_from_the_cache(watch_list: bool) -> None:
    """With resource version 0 the server may list what it has in its cache; later lists may not be older than what is known.

    A cache that lags would take back what was told, and a list that adds would miss what the watch has passed by.
    """
    first = [added("a", 3), listed(9)] if watch_list else [page("a", version=9)]
    again = [added("a", 3), listed(9)] if watch_list else [page("a", version=9)]
    world = World(first, [GONE], again, [], again, watch_list=watch_list, resource_version="0")
    world.steps[3] = [bookmark(9), lambda: world.reflector.relist_soon("gained")]

    world.play()

    lists = [query for name, query in world.requests if name != "watch"]
    assert [query["resourceVersion"] for query in lists] == ["0", "9", "9"]
    assert [query.get("resourceVersionMatch") for query in lists[1:]] == ["NotOlderThan"] * 2
    assert "resourceVersionMatch" in lists[0] or not watch_list


def test_the_cache_is_behind() -> None:
    """A cache that does not have what is known already is passed by: the next list is the newest, as client-go's is."""
    world = World(LIST, [GONE], [RESTORED], LIST, [], resource_version="0").play()

    assert [query.get("resourceVersion") for name, query in world.requests if name == "list"] == ["0", "10", None]


def test_tokens_that_expire() -> None:
    """The second list in a row whose continue token has expired is followed by one without a limit, which needs no token."""
    expiring: Step = [page("a", following="more"), GONE]
    world = World(expiring, expiring, [page("a", "b")], [GONE], expiring, [page("c")]).play()

    lists = [query for name, query in world.requests if name == "list"]
    assert [query.get("limit") for query in lists] == ["500", "500", None, "500", "500"]
    assert world.sink.held == {"c"}


def test_tokens_that_expire_with_an_object_limit() -> None:
    """Without a limit in the query there are still no more objects than the option allows."""
    expiring: Step = [page("a", following="more"), GONE]
    world = World(expiring, expiring, [page("a", "b", "c")], object_limit=2).play()

    assert world.sink.held == {"a", "b"}


def test_empty_pages() -> None:
    """A page without items does not end a list."""
    world = World([page("a", following="x"), page(following="y"), page("b")]).play()

    assert world.sink.held == {"a", "b"}


def test_watch_asks_for_bookmarks_and_an_end() -> None:
    """Watches ask for bookmarks and for an end within 5 to 10 minutes, another one each time."""
    world = World(LIST, [bookmark(11)], [bookmark(12)]).play()
    queries = [query for name, query in world.requests if name == "watch"]

    assert all(query["allowWatchBookmarks"] == "true" for query in queries)
    assert all(300 <= int(query["timeoutSeconds"]) <= 600 for query in queries)
    assert len({query["timeoutSeconds"] for query in queries}) == 2


def test_watch_that_ends_at_once() -> None:
    """A watch that ends within a second without an event is a failure; one that was only quiet is none."""
    world = World(LIST, [], [])
    world.steps[2] = [world.later(2)]

    world.play()

    assert world.observer.watches[:2] == ["ok", "ok"]
    assert world.observer.ends[:2] == ["unavailable", "ok"]
    assert len(world.waits) == 1


@pytest.mark.parametrize("watch_list", [True, False])
def test_a_watch_counts_once_it_is_open(watch_list: bool) -> None:
    """Not when it ends, minutes later; its end is told apart, and so is one that could not be opened."""
    world = World([], watch_list=watch_list)
    observer, seen = world.observer, []

    def look() -> None:
        seen.append((observer.watches.copy(), observer.ends.copy()))

    watch = [bookmark(11), look, added("c", 12), lambda: world.reflector.relist_soon("gained")]
    world.steps = [[listed(10), *watch]] if watch_list else [LIST, watch]
    world.steps += [[listed(20)] if watch_list else [page("a", version=20)], [NO], [bookmark(13), TROUBLE]]

    world.play()

    assert seen == [(["ok"], [])]
    assert observer.watches[:3] == ["ok", "forbidden", "ok"]
    assert observer.ends == ["cancelled", "unavailable"]


def test_backoff_grows_until_all_is_well() -> None:
    """Failures in a row wait longer each time, and like the first again after two healthy minutes."""
    world = World(LIST, *([TROUBLE] for _ in range(8)), [], [TROUBLE])
    world.steps[9] = [bookmark(11), world.later(121)]

    world.play()

    assert world.waits[0] < 1.6
    assert all(15 <= seconds <= 30 for seconds in world.waits[5:8])
    assert world.waits[8] < 1.6


def test_repeated_gone_waits() -> None:
    """The first 410 lists at once; another soon after waits, so that a server that knows no version is not hammered."""
    world = World(LIST, [GONE], LIST, [GONE], LIST, [GONE], LIST, [])
    world.steps[5] = [bookmark(11), world.later(121), GONE]

    world.play()

    assert world.observer.relists == ["start", "gone", "gone", "gone"]
    assert len(world.waits) == 2  # the second, and the last watch, which ended at once


@pytest.mark.parametrize("error", [TooManyRequests(PATH, "", retry_after=90), failure(429, 90), failure(503, 90)])
def test_retry_after(error: Any) -> None:
    """A server that says when it wants to be asked again is not asked before."""
    world = World(LIST, [bookmark(11), error], [added("c", 12)]).play()

    assert world.waits[0] >= 90


def test_garbled_twice_lists() -> None:
    """A frame that never parses is passed by a list: watching on would meet it for ever."""
    world = World(LIST, [bookmark(11), GARBAGE], [GARBAGE], LIST).play()

    assert world.asked == ["list", "watch 10", "watch 11", "list"]
    assert world.observer.relists == ["start", "garbled"]


def test_garbled_now_and_then() -> None:
    """As long as a watch gets on in between, it goes on."""
    world = World(LIST, [GARBAGE], [added("c", 11), GARBAGE], [added("d", 12), GARBAGE], [added("e", 13)]).play()

    assert world.asked == ["list", "watch 10", "watch 10", "watch 11", "watch 12"]


def test_odd_object() -> None:
    """An object that the sink fails at costs itself, in a list as in a watch, and nothing else."""
    world = World([page("a", "odd", "b")], [added("odd", 11), added("c", 12), deleted("a", 13)]).play()

    assert world.sink.held == {"b", "c"}
    assert world.observer.failed_items == 2
    assert world.reflector.resource_version == "13"
    assert no_time(world)


UNREAD = Event(UNREADABLE, WireError("no object"))
ODD_VERSIONS = ["11", "\ud800", "", "9" * 5000, {}]


@pytest.mark.parametrize(
    "odd",
    [
        UNREAD,
        Event("MODIFIED", b"\xff\xff no protobuf"),
        *(Event("MODIFIED", {"metadata": {"uid": "odd", "resourceVersion": version}}) for version in ODD_VERSIONS),
    ],
    ids=lambda odd: repr(odd)[:60],
)
def test_unreadable_object(odd: Event) -> None:
    """An object that cannot be read inside a watch is counted, the watch goes on, and after it a list drops what is stale."""
    world = World(
        LIST, [odd, added("c", 12), added("d", 13)], [page("c", version=20)], [UNREAD, bookmark(21)], [bookmark(22)]
    )

    world.play()

    assert world.asked == ["list", "watch 10", "list", "watch 20", "watch 21"]
    assert world.observer.ends[:2] == ["ok", "ok"]
    assert world.observer.relists == ["start", "unreadable"]
    assert world.observer.failed_items == 2
    assert world.sink.held == {"c"}
    assert no_time(world)


def test_unreadable_objects_time_and_again() -> None:
    """An object that never can be read asks for a list once an hour."""
    world = World(LIST, [UNREAD, bookmark(11)], LIST, [], LIST)
    world.steps[3] = [UNREAD, bookmark(12), world.later(3601)]

    world.play()

    assert world.asked == ["list", "watch 10", "list", "watch 10", "list"]


def test_nothing_but_garbage() -> None:
    """Lines that are no events are no sign of life: a watch that ends at once with nothing else has failed."""
    world = World(LIST, [UNREAD]).play()

    assert world.observer.ends == ["unavailable"]
    assert world.reflector.last_event == 0.0


def test_list_without_a_version() -> None:
    """A list that does not say its version cannot be watched on from, so it is none."""
    world = World([page("a", version=10)], [GONE], [page("z")])
    world.steps[2][0] = type(page())(page("z").items, "", "")

    world.play()

    assert world.observer.lists == ["ok", "garbled", "cancelled"]
    assert world.sink.held == {"a", "z"}


def test_what_it_says_of_itself() -> None:
    """State, sync, version, age and last error are those of the moment."""
    seen: list[tuple[Any, ...]] = []
    world = World([], [])
    reflector = world.reflector

    def look() -> None:
        seen.append(
            (reflector.state, reflector.synced, reflector.resource_version, reflector.last_event, reflector.last_error)
        )

    assert (reflector.state, reflector.synced) == ("starting", False)
    world.steps = [
        [look, TROUBLE],
        [look, page("a")],
        [world.later(5), bookmark(11), look, NO],
        [look, bookmark(12), look],
    ]

    world.play()

    listed_at = world.waits[0]
    assert seen == [
        ("listing", False, "", None, ""),
        ("listing", False, "", None, f"{PATH}: "),
        ("watching", True, "11", listed_at + 5, ""),
        ("watching", True, "11", listed_at + 5, f"{PATH}: "),
        ("watching", True, "12", listed_at + 5 + world.waits[1], ""),
    ]
    assert reflector.state == "stopped"


def test_stop_ends_a_wait() -> None:
    """A reflector that waits for half a minute stops at once."""
    world = World([NO])
    world.reflector._stop = stop = threading.Event()
    thread = threading.Thread(target=world.reflector.run)
    thread.start()
    while world.reflector.state != "forbidden":
        stop.wait(0.001)

    world.reflector.stop()
    thread.join(1)

    assert not thread.is_alive()
    assert world.reflector.state == "stopped"
