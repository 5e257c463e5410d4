"""`ksm-shard check` and `plan`, asking real shards. What they make of the answers is in tests/fleet."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.test_storm import pod
from tests.processes import Exporter, fleet

PODS = 60


@pytest.fixture(scope="module")
def shards() -> Iterator[list[Exporter]]:
    """Three shards of one fleet."""
    simulator = Simulator([pod(f"p{number}", "Running", 0) for number in range(PODS)])
    with simulator as serving, fleet(3, f"--apiserver={serving.url}", "--resources=pods") as exporters:
        yield exporters


def run(*words: str) -> tuple[int, str]:
    """Return the exit status and the output of a command."""
    done = subprocess.run([sys.executable, "-m", "ksm_shard", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_check_proves_that_a_fleet_is_right(shards: list[Exporter]) -> None:
    """A line for each shard, and the proof: every object once."""
    status, text = run("check", *(shard.url for shard in shards))

    assert status == 0, text
    assert f"right: 3 shards export {PODS} objects, each once" in text


def test_check_says_which_shard_is_missing(shards: list[Exporter]) -> None:
    """Two of three shards are not the whole fleet."""
    status, text = run("check", *(shard.url for shard in shards[:2]))

    assert status == 1
    assert "wrong: of 3 shards these did not answer: 2" in text
    assert "slots are held by no shard" in text


def test_plan_counts_what_the_running_shards_have(shards: list[Exporter]) -> None:
    """From 3 to 6 half of everything moves."""
    status, text = run("plan", "--from=3", "--to=6", *(f"--url={shard.url}" for shard in shards))

    assert status == 0, text
    assert "3 -> 6 shards: 32767 of 65536 slots move, 50.0%, about 30 objects" in text
    assert ", 0 series" not in text.splitlines()[0]
