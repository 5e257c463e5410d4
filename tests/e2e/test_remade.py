"""A fleet is scaled and restarted while everything is made again under its name, as a roll-out does: nothing is lost or left."""

import random
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.api import Api
from tests.e2e.load import CONFIGMAPS, NAMESPACE, PODS, Load, configmap, pod
from tests.e2e.servers import Server, cluster, simulator
from tests.e2e.statefulset import Fleet
from tests.processes import Exporter, eventually

# With half as many config maps: enough for no object to be made again twice in a step, which would mend what the first time broke.
STAYING = 1600
# Deletions, each followed by a creation, a second.
RATE = 100.0


class Remaking(Load):
    """Pods and config maps that are deleted and made again in turn, each under its name, unless `resting`."""

    def __init__(self, api: Api) -> None:
        super().__init__(api, STAYING, RATE, passing=0)
        self.resting = threading.Event()

    def _one(self, turn: int, fresh: str, chance: random.Random, passing: list[str]) -> None:
        if self.resting.is_set():
            return
        every = [
            *((CONFIGMAPS, configmap, name) for name in self._others),
            *((PODS, pod, name) for name in self._pods),
        ]
        path, make, name = every[turn % len(every)]
        self._api.delete(f"{path}/{name}", 0)
        self._api("POST", path, make(name))
        with self._lock:
            self.changed += 1


@pytest.fixture(params=[simulator, pytest.param(cluster, marks=pytest.mark.real)], ids=lambda made: str(made.__name__))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each server in turn."""
    yield from request.param()


@pytest.mark.slow
def test_what_is_made_again_under_its_name_is_there_once_after_any_hand_over(
    server: Server, record_property: Callable[[str, object], None]
) -> None:
    """2 -> 3 -> 2 and a rolling restart under 100 re-creations a second: every shard's part is what a fresh process has of it."""
    with Fleet(server.api, server.flags, Remaking(server.api)) as fleet:
        fleet.scale(2)
        fleet.settled()
        compare(fleet, server)
        for what, act in (
            ("2 -> 3", lambda: fleet.scale(3)),
            ("3 -> 2", lambda: fleet.scale(2)),
            ("rolling restart", fleet.roll),
        ):
            made = fleet.load.changed
            act()
            fleet.settled()
            record_property("measured", f"{what}: {fleet.load.changed - made} made again")
            compare(fleet, server)


def compare(fleet: Fleet, server: Server) -> None:
    """Let nothing change for a moment, and fail unless the shards together have what a process that starts now has."""
    assert isinstance(fleet.load, Remaking)
    fleet.load.resting.set()
    with Exporter(*server.flags, "--resources=pods,configmaps") as fresh:
        fresh.ready()

        def differ() -> set[str]:
            expected, found = lines([fresh]), lines(one for _, one in fleet.running())
            return set(expected) ^ set(found) or {line for line in found if found.count(line) > 1}

        eventually(lambda: not differ(), "not what a fresh process has", lambda: "\n".join(sorted(differ())[:10]), 10)
    fleet.load.resting.clear()


def lines(exporters: Iterator[Exporter] | list[Exporter]) -> list[str]:
    """Return the series of what is made again, with their values, of all exporters."""
    own = f'{{namespace="{NAMESPACE}",'
    return [line for one in exporters for line in one.scrape().splitlines() if own in line]
