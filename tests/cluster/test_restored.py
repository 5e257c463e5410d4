"""An API server that goes back in time, as when etcd is restored from a backup: it is noticed, and listed anew.

That a real one is silent to whoever resumes from a version that it has yet to reach is shown by tests/e2e/test_restored.py.
"""

import pytest

from ksm_shard.cluster.errors import Forbidden, Unavailable
from tests.cluster.script import Step, World, added, bookmark, listed, page

PATH = "/api/v1/things"
LIST: Step = [page("a", "b", version=10)]
OLD: Step = [page("a", version=5)]
TROUBLE = Unavailable(PATH, "connection refused")


def test_after_a_cut() -> None:
    """A watch that was cut is not resumed if the newest version of the server is older than that."""
    world = World(LIST, [added("c", 12), TROUBLE], [TROUBLE], OLD, [added("d", 6)])
    world.newest = ["12", "5"]

    world.play()

    assert world.asked == ["list", "watch 10", "watch 12", "list", "watch 5"]
    assert world.observer.relists == ["start", "restored"]
    assert world.sink.held == {"a", "d"}
    assert world.reflector.resource_version == "6"


@pytest.mark.parametrize(
    ("watch", "checks"),
    [
        ([bookmark(11)], 1),  # a server that is stopped ends its watches before their time
        ([bookmark(11), "whole"], 0),
        ([bookmark(11), TROUBLE], 1),
        ([Forbidden(PATH, "")], 0),
        ([TROUBLE], 1),
    ],
)
@pytest.mark.parametrize("watch_list", [True, False])
def test_what_is_a_cut(watch: list[object], checks: int, watch_list: bool) -> None:
    """The server is asked after a watch that ended before its time or could not be opened, and not after others."""
    world = World(watch_list=watch_list)
    watch = [world.later(601) if step == "whole" else step for step in watch]
    world.steps = [[listed(10), *watch]] if watch_list else [LIST, list(watch)]
    world.steps.append([bookmark(12), world.later(601)])

    world.play()

    assert world.checks == checks


@pytest.mark.parametrize("event", [bookmark(9), added("c", 9)])
def test_lower_version_in_a_watch(event: object) -> None:
    """A bookmark or an event of a lower version than the last one's is of a server that has gone back."""
    world = World(LIST, [event], OLD, [added("d", 6)]).play()

    assert world.asked == ["list", "watch 10", "list", "watch 5"]
    assert world.observer.relists == ["start", "restored"]
    assert world.sink.held == {"a", "d"}


def test_versions_without_order() -> None:
    """A server whose versions go up and down is listed for that once an hour."""
    world = World(LIST, [added("c", 9)], [page("a", version=10)], [], LIST)
    world.steps[3] = [added("c", 9), added("d", 12), added("e", 3), world.later(3601), added("f", 2)]

    world.play()

    assert world.asked == ["list", "watch 10", "list", "watch 10", "list"]


@pytest.mark.parametrize("watch_list", [True, False])
def test_lower_version_of_a_list_that_adds(watch_list: bool) -> None:
    """A list for what was gained that is older than the watch becomes a full one: the watch cannot go on from where it was."""
    first, old = ([added("a", 1), listed(10)], [listed(5)]) if watch_list else (LIST, OLD)
    world = World(watch_list=watch_list)
    watch = [bookmark(11), lambda: world.reflector.relist_soon("gained")]
    world.steps = [[*first, *watch] if watch_list else first, *([] if watch_list else [watch]), old, old]

    world.play()

    assert world.observer.relists == ["start", "gained", "restored"]
    assert world.sink.log[2:] == ["start_adding", "abort_list", "start_list", "end_list 5"]


@pytest.mark.parametrize("version", ["", "abc", "9" * 5000, "²", "\ud800"])
def test_versions_that_are_no_numbers(version: str) -> None:
    """Of two versions that are not both numbers neither is older, and one that cannot be asked for is passed over."""
    odd = bookmark(11)
    odd.item["metadata"]["resourceVersion"] = version
    world = World(LIST, [odd, bookmark(12)]).play()

    assert world.observer.relists == ["start"]
    assert world.reflector.resource_version == "12"


def test_a_server_that_is_back() -> None:
    """A server that starts may forbid everything for a moment: after a cut one refusal says little."""
    world = World(LIST, [bookmark(11), TROUBLE], [Forbidden(PATH, "")], [bookmark(12)]).play()

    assert 1 <= world.waits[1] <= 2
