"""What `check` finds wrong with the reports of a fleet. Excludes asking real shards (tests/e2e)."""

from dataclasses import replace

import pytest

from ksm_shard.fleet.check import attempt, problems, table
from ksm_shard.report import NoReport, Report, Resource
from ksm_shard.sharding.ring import MMH3

PODS = Resource(seen=30, owned=10, synced=True, state="watching", series=500, deflated=1000, text=7000)


def fleet(total: int = 3) -> list[Report]:
    """Return the reports of a fleet that is well."""
    return [
        Report(
            pod=f"ksm-{shard}",
            shard=shard,
            total=total,
            ring="mmh3",
            digest=MMH3.digest(total),
            version="1",
            settings="s",
            phase="stable",
            ready=True,
            own=MMH3.mask(shard, total),
            held=MMH3.mask(shard, total),
            memory=90_000_000,
            resources={"pods": replace(PODS, seen=10 * total)},
        )
        for shard in range(total)
    ]


def test_nothing_is_wrong_with_a_fleet_that_is_well() -> None:
    """Every slot once, every object once, one opinion."""
    assert [] == problems(fleet())


def test_a_report_survives_its_json() -> None:
    """What a shard says is what check reads."""
    (report,) = fleet(1)

    assert report == Report.from_json(report.to_json().encode())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": "2"}, "the shards disagree about version: 1 (2 shards), 2 (1 shards)"),
        ({"settings": "t"}, "the shards disagree about settings: s (2 shards), t (1 shards)"),
        ({"digest": "other"}, f"the shards disagree about digest: {MMH3.digest(3)} (2 shards), other (1 shards)"),
        ({"ready": False}, "shard 2 (ksm-2) is not ready"),
        ({"shard": 1}, "2 processes say that they are shard 1"),
        (
            {"resources": {"pods": replace(PODS, owned=9)}},
            "pods: 29 objects are exported, but there are 30",
        ),
        (
            {"resources": {"pods": replace(PODS, owned=11)}},
            "pods: 31 objects are exported, but there are 30",
        ),
        ({"resources": {}}, "pods: 1 of 3 shards do not export it"),
        (
            {"resources": {"pods": replace(PODS, synced=False, state="forbidden")}},
            "pods: 1 shards have not listed it: forbidden",
        ),
        ({"held": bytes(65536)}, f"{MMH3.mask(2, 3).count(1)} of 65536 slots are held by no shard"),
        (
            {"held": b"\1" * 65536},
            f"{65536 - MMH3.mask(2, 3).count(1)} slots are held by more than one shard, although no hand-over is under way",
        ),
    ],
)
def test_each_thing_that_is_wrong_with_one_shard_is_one_line(change: dict[str, object], expected: str) -> None:
    """The line says what, how many, and what the others say."""
    reports = fleet()
    reports[2] = replace(reports[2], **change)  # type: ignore[arg-type]

    assert expected in problems(reports)


def test_a_shard_that_does_not_answer_is_named_and_missed() -> None:
    """Its URL, its ordinal, and the slots that nobody holds."""
    answers = [*fleet()[:2], NoReport("http://x: refused")]

    found = problems(answers)

    assert "http://x: refused" in found
    assert "of 3 shards these did not answer: 2" in found


def test_doubles_during_a_hand_over_are_as_it_should_be() -> None:
    """While one shard is gaining, slots and objects may be there twice, but never missing."""
    reports = fleet()
    reports[0] = replace(reports[0], phase="releasing", held=b"\1" * 65536, resources={"pods": replace(PODS, owned=30)})

    assert [] == problems(reports)


def test_what_is_right_the_next_time_was_never_wrong() -> None:
    """An object that came between the answers of two shards is no problem; one that stays away is."""
    torn = fleet()
    torn[0] = replace(torn[0], resources={"pods": replace(PODS, seen=31)})
    answers = [torn, torn, fleet()]
    waits: list[float] = []

    _, found = attempt(lambda: list(answers.pop(0)), waits.append)

    assert ([], 2) == (found, len(waits))


def test_the_table_has_a_line_for_each_shard() -> None:
    """In the order of shards, whatever the order of the answers."""
    lines = table(fleet()[::-1]).splitlines()

    assert ["SHARD", "0/3", "1/3", "2/3"] == [line.split()[0] for line in lines]
