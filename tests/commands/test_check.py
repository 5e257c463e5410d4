"""What `check` finds wrong with the reports of a fleet. Excludes asking real shards (tests/e2e)."""

from dataclasses import replace
from random import Random

import pytest

from ksm_shard.commands.check import attempt, table
from ksm_shard.fleet.client import NoReport
from ksm_shard.fleet.proof import notes, problems
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.status.report import Report, ResourceReport

PODS = ResourceReport(seen=30, owned=10, synced=True, state="watching", series=500, deflated=1000, text=7000)


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
        ({"version": "2"}, "the shards disagree about version: 1 (2 shards: 0, 1), 2 (1 shards: 2)"),
        ({"settings": "t"}, "the shards disagree about settings: s (2 shards: 0, 1), t (1 shards: 2)"),
        (
            {"custom": "c0ffee"},
            "the shards disagree about what the file of custom resources holds: none (2 shards: 0, 1), c0ffee (1 shards: 2)",
        ),
        ({"settings_problem": "it is not YAML"}, "shard 2 (ksm-2): --config: it is not YAML"),
        (
            {"digest": "other"},
            f"the shards disagree about digest: {MMH3.digest(3)} (2 shards: 0, 1), other (1 shards: 2)",
        ),
        ({"ready": False}, "shard 2 (ksm-2) is not ready"),
        ({"problem": "it is gone"}, "shard 2 (ksm-2): it is gone"),
        ({"setup": {"grace_period": "it is too short"}}, "shard 2 (ksm-2): it is too short"),
        (
            {"membership": {"statefulsets": "watching", "pods": "forbidden"}},
            "shard 2 (ksm-2): its watch of pods is forbidden",
        ),
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
            {"resources": {"pods": replace(PODS, synced=False, state="waiting")}},
            "pods: 1 shards have not listed it: waiting",
        ),
        (
            {"resources": {"pods": replace(PODS, synced=False, state="forbidden")}},
            "pods: the shards disagree about whether there is any: watching (2 shards), forbidden (1 shards)",
        ),
        ({"own": MMH3.mask(1, 3)}, f"{MMH3.mask(1, 3).count(1)} slots belong to more than one shard"),
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


@pytest.mark.parametrize(("since", "wrong"), [(0.0, False), (179.0, False), (181.0, True), (None, True)])
@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("settings", "the shards disagree about settings: s (2 shards: 0, 1), t (1 shards: 2)"),
        (
            "custom",
            "the shards disagree about what the file of custom resources holds: none (2 shards: 0, 1), t (1 shards: 2)",
        ),
    ],
)
def test_a_file_that_shards_read_one_after_another_is_a_note(
    since: float | None, wrong: bool, field: str, line: str
) -> None:
    """Who has which contents is said in any case; what they export need not be the same until all have read the file."""
    reports = fleet()
    reports[2] = replace(reports[2], **{field: "t"}, reloaded=since, resources={})  # type: ignore[arg-type]
    reports[0] = replace(reports[0], reloaded=1000.0)

    said = [line, "pods: 1 of 3 shards do not export it", "pods: 20 objects are exported, but there are 30"]
    assert (said if wrong else []) == problems(reports)
    assert ([] if wrong else [f"{line}: they read a changed file one after another"]) == notes(reports)


def test_what_is_loaded_with_other_settings_is_not_counted() -> None:
    """One shard has loaded the pods of a namespace, of which it sees ten, and another one has yet to; then all count alike."""
    reports = fleet()
    reports[0] = replace(reports[0], resources={"pods": replace(PODS, seen=10, owned=3)})
    amiss = problems(reports)
    reports[1] = replace(reports[1], resources={"pods": replace(PODS, reloading=True)})

    assert (["pods: 23 objects are exported, but there are 30"], []) == (amiss, problems(reports))
    assert [] == problems([replace(one, resources={"pods": replace(PODS, owned=10)}) for one in fleet()], [reports])


def test_what_is_wrong_with_the_template_of_all_pods_is_one_line() -> None:
    """Each shard says so, of 1,000 too."""
    reports = [replace(report, setup={"grace_period": "it is too short"}) for report in fleet()]

    assert ["3 of 3 shards: it is too short"] == problems(reports)


def test_a_shard_that_does_not_answer_is_named_and_missed() -> None:
    """Its URL, its ordinal, and the slots that nobody holds."""
    answers = [*fleet()[:2], NoReport("http://x: refused")]

    found = problems(answers)

    assert "http://x: refused" in found
    assert "of 3 shards these did not answer: 2" in found


@pytest.mark.parametrize("state", ["absent", "forbidden"])
def test_what_no_shard_can_list_is_a_note(state: str) -> None:
    """KubeSphere's users are asked for everywhere: a fleet elsewhere is right without them."""
    reports = fleet()
    for shard, report in enumerate(reports):
        users = ResourceReport(seen=0, owned=0, synced=False, state=state, series=0, deflated=0, text=0)
        reports[shard] = replace(report, resources={**report.resources, "users": users})

    assert [] == problems(reports)
    assert [f"users: {state}, so that no shard exports it"] == notes(reports)


def test_doubles_during_a_hand_over_are_as_it_should_be() -> None:
    """While one shard is releasing, slots and objects may be there twice, but never missing; how many is said."""
    reports = fleet()
    reports[0] = replace(reports[0], phase="releasing", held=b"\1" * 65536, resources={"pods": replace(PODS, owned=30)})

    assert [] == problems(reports)
    assert ["43690 slots, and 20 objects, are there twice: a hand-over is under way"] == notes(reports)


def test_a_hand_over_excuses_only_what_is_handed_over() -> None:
    """One pod drains; that another holds everything although it is stable has nothing to do with it."""
    reports = fleet()
    reports[0] = replace(reports[0], phase="draining")
    reports[1] = replace(reports[1], held=b"\1" * 65536, resources={"pods": replace(PODS, owned=30)})

    assert [
        "43691 slots are held by more than one shard, although no hand-over is under way",
        "pods: 50 objects are exported, but there are 30",
    ] == problems(reports)
    assert [] == notes(reports)


@pytest.mark.parametrize(
    ("filtered", "seen", "expected"),
    [
        (True, 10, []),
        (True, 11, ["pods: 30 objects are exported, but there are 33"]),
        (False, 30, []),
        (False, 31, ["pods: 30 objects are exported, but there are 31"]),
    ],
)
def test_what_a_server_filters_is_told_by_resource(filtered: bool, seen: int, expected: list[str]) -> None:
    """`server-side` is asked of every server; one without the feature shows everything to each shard."""
    pods = replace(PODS, filtered=filtered, seen=seen)
    reports = [replace(report, ring="server-side", resources={"pods": pods}) for report in fleet()]

    assert expected == problems(reports)


def test_objects_that_come_and_go_between_the_answers_are_not_missing() -> None:
    """Each shard says how many there were at its own moment: only what no moment explains is wrong."""
    chance = Random(1)

    def answers(lost: int) -> list[Report]:
        now = [30_000 + chance.randrange(-50, 50) for _ in range(3)]
        return [
            replace(report, resources={"pods": replace(PODS, seen=count, owned=count // 3 - lost)})
            for report, count in zip(fleet(), now, strict=True)
        ]

    assert ([], 1) == (attempt(lambda: answers(0), str)[1], len(attempt(lambda: answers(100), str)[1]))


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
