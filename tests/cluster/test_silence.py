"""Watches that say nothing for longer than they ever did are opened anew, and those that never say much are left alone."""

import pytest

from tests.cluster.script import Step, World, added, bookmark, page

LIST: Step = [page("a", version=10)]


def watching(*watches: list[object]) -> World:
    """Play a list and watches, in which a number is a silence of so many seconds."""
    world = World()
    world.steps = [
        LIST,
        *([world.silence(step) if isinstance(step, int) else step for step in watch] for watch in watches),
    ]
    return world.play()


@pytest.mark.parametrize(
    ("silences", "stalled"),
    [
        ([60, 60, 179], False),
        ([60, 60, 180], True),
        ([59, 61, 182], False),
        ([59, 61, 183], True),
        ([1, 1, 179], False),
        ([1, 1, 181], True),
        ([100, 5, 290], False),
        ([100, 5, 300], True),
    ],
)
def test_how_long(silences: list[int], stalled: bool) -> None:
    """Three times the longest silence so far, and at least three minutes."""
    first, second, last = silences
    world = watching([first, bookmark(11), second, bookmark(12), last, bookmark(13)], [500, added("c", 14)])

    assert (world.observer.ends[0] == "stalled") is stalled
    assert world.asked[:3] == ["list", "watch 10", f"watch {12 if stalled else 13}"]


def test_it_goes_on_at_once() -> None:
    """A watch that stalled is opened from its last version, without a wait, and nothing is listed for it."""
    world = watching([60, bookmark(11), 500], [added("c", 12)])

    assert world.asked == ["list", "watch 10", "watch 11"]
    assert world.sink.held == {"a", "c"}
    assert world.observer.relists == ["start"]
    assert world.waits == []
    assert world.checks  # the server may have been restored meanwhile


def test_a_proxy_that_stalls_every_watch() -> None:
    """A watch that had spoken is found out each time, after three minutes."""
    world = watching(*([60, bookmark(version), 60, bookmark(version), 1000] for version in (11, 12, 13)))

    assert world.observer.ends == ["stalled"] * 3
    assert world.now == pytest.approx(3 * (60 + 60 + 180))


def test_a_server_without_bookmarks() -> None:
    """A watch that never said a word is opened anew once; the next may be silent for as long as it is open."""
    world = watching([1000], [450], [450], [450])

    assert world.observer.ends == ["stalled", "ok", "ok", "ok"]


def test_a_server_that_speaks_again() -> None:
    """Once there are bookmarks again, three minutes are long again, from the watch after on."""
    world = watching([1000], [450], [60, bookmark(11), 400, bookmark(12)], [60, bookmark(13)], [60, bookmark(14), 200])

    assert world.observer.ends == ["stalled", "ok", "ok", "ok", "stalled"]
