"""A StatefulSet of real processes with `--sharding-mode server-side`, on a server that filters. The rest: test_handover.py."""

from collections.abc import Callable

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.statefulset import Api, Fleet, timed
from tests.e2e.test_fleet_commands import run
from tests.processes import eventually

STAYING = 300
CHANGES = 50.0
MODE = "--sharding-mode=server-side"


def test_no_series_is_missing_and_check_agrees_where_the_server_filters() -> None:
    """2 -> 3 -> 2 shards and a restart: zero missing, no shard is shown everything, and `check` is right after each."""
    with (
        Simulator(sharded=True) as simulator,
        Fleet(Api(simulator.url), [f"--apiserver={simulator.url}", MODE], STAYING, CHANGES) as fleet,
    ):
        missing, checks, shown = handed_over(fleet)

    assert dict.fromkeys(missing, 0) == missing
    assert dict.fromkeys(checks, 0) == {what: status for what, (status, _) in checks.items()}, checks
    assert max(shown) < STAYING


def handed_over(fleet: Fleet) -> tuple[dict[str, int], dict[str, tuple[int, str]], list[float]]:
    """Scale and restart; return after each step what was missing and what check said, and at last what each of two was shown."""
    fleet.scale(2)
    missing, checks = {}, {"2": prove(fleet)}
    steps: list[tuple[str, Callable[[], None]]] = [
        ("2 -> 3", lambda: fleet.scale(3)),
        ("3 -> 2", lambda: fleet.scale(2)),
        ("restart", lambda: (fleet.restart(0), fleet.settled(2))[1]),
    ]
    for what, act in steps:
        missing[what] = timed(what, fleet, act)[0]
        checks[what] = prove(fleet)
    return missing, checks, [told(fleet, shard, "ksm_shard_objects_seen") for shard in (0, 1)]


def prove(fleet: Fleet) -> tuple[int, str]:
    """Return what check says, once the server is known to filter for every shard."""
    for shard, _ in fleet.running():
        eventually(
            lambda shard=shard: told(fleet, shard, "ksm_shard_server_side_filtering") == 1,  # type: ignore[misc]
            "the server does not filter",
        )
    return run("check", *(one.url for _, one in fleet.running()))


def told(fleet: Fleet, shard: int, name: str) -> float:
    """Return a metric about the pods that a shard exports."""
    text = dict(fleet.running())[shard].scrape_telemetry()
    return float(text.split(f'\n{name}{{resource="pods"}} ')[1].split()[0])
