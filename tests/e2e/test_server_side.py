"""A StatefulSet of real processes with `--sharding-mode server-side`, on a server that filters. The rest: test_handover.py."""

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.api import Api
from tests.e2e.load import Load
from tests.e2e.measured import HEADER, Tell, complete, measured
from tests.e2e.statefulset import Fleet
from tests.e2e.test_fleet_commands import run
from tests.processes import eventually

STAYING = 300
CHANGES = 50.0
MODE = "--sharding-mode=server-side"


@pytest.mark.slow
def test_no_series_is_missing_and_check_agrees_where_the_server_filters(record_property: Tell) -> None:
    """2 -> 3 -> 2 shards and a restart: zero missing, no shard is shown everything, and `check` is right after each."""
    record_property("measured", HEADER)
    with (
        Simulator(sharded=True) as simulator,
        Api(simulator.url) as api,
        Fleet(api, [f"--apiserver={simulator.url}", MODE], Load(api, STAYING, CHANGES)) as fleet,
    ):
        scale_and_check(fleet, record_property)


def scale_and_check(fleet: Fleet, tell: Tell) -> None:
    """Scale and restart, and after each step let `check` prove that all is there once."""
    fleet.scale(2)
    fleet.settled()
    fleet.expect()
    steps, checks = [], {"2": prove(fleet)}
    for what, act in (
        ("2 -> 3, server-side", lambda: fleet.scale(3)),
        ("3 -> 2, server-side", lambda: fleet.scale(2)),
        ("restart, server-side", lambda: fleet.restart(0)),
    ):
        steps.append(measured(what, fleet, act, tell))
        checks[what] = prove(fleet)

    complete(steps)
    assert dict.fromkeys(checks, 0) == {what: status for what, (status, _) in checks.items()}, checks
    assert max(told(fleet, shard, "ksm_shard_objects_seen") for shard in (0, 1)) < len(fleet.load.uids) / 1.5


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
