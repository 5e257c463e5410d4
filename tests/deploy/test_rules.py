"""Each alert fires when it should and at no other time, in fleets of 3, 60 and 1,000 shards.

In every case all alerts are looked at: those that are expected fire, with that summary, and no other does.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from ksm_shard.status.setup import SetupCheck
from tests.deploy.changes import changing, rolling
from tests.deploy.promtool import (
    MINUTES,
    OBJECTS,
    PROMTOOL,
    RULES,
    SLOTS,
    TELEMETRY,
    Labels,
    Shard,
    Values,
    always,
    by_minute,
    check,
    healthy,
    promtool,
    series,
    share,
)
from tools.prometheusrule import MANIFEST, prometheusrule

ROOT = RULES.parents[2]
GROUPS: Sequence[Mapping[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: Mapping[str, Mapping[str, Any]] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}


def large(*values: object) -> Any:
    """Return the values of a fleet of 1,000 shards, which promtool takes 20 seconds for: CI tries it."""
    return pytest.param(*values, marks=pytest.mark.slow)


needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
Fires = Callable[..., None]


@pytest.fixture
def fires(tmp_path: Path) -> Fires:
    """Check which alerts a fleet makes fire."""

    def run(
        fleet: Sequence[Shard],
        expected: Mapping[str, tuple[Labels, str]],
        extra: Mapping[str, Values] | None = None,
        at: str = f"{MINUTES}m",
    ) -> None:
        check(tmp_path, fleet, expected, ALERTS, extra, at)

    return run


def test_both_files_have_the_same_rules() -> None:
    """The PrometheusRule is made of the plain file."""
    text = prometheusrule()

    assert text == MANIFEST.read_text()
    assert GROUPS == yaml.safe_load(text)["spec"]["groups"]


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    """A severity, a summary of one line, a description, and a section of the runbook that exists."""
    page = (ROOT / "docs/operations.md").read_text()
    sections = {"docs/operations.md#" + heading.lower() for heading in re.findall(r"(?m)^### (\w+)$", page)}

    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in {"warning", "critical"}, name
        assert {"summary", "description", "runbook"} == set(rule["annotations"]), name
        assert "\n" not in rule["annotations"]["summary"], name
    runbooks = {rule["annotations"]["runbook"] for rule in ALERTS.values()}
    assert set() == runbooks - sections, "docs/operations.md has no heading of three # for these"
    assert set() == sections - runbooks, "no alert has these as its runbook"


def test_every_alert_is_tried() -> None:
    """Some fleet below makes each of them fire; that the metrics which they read are there is in tests/tools/test_docs.py."""
    tried = set(re.findall(r'"(KsmShard\w+)": ', Path(__file__).read_text()))

    assert set() == ALERTS.keys() - tried, "write a test here with a fleet that makes these fire, and no others"


@needs_promtool
def test_promtool_accepts_the_rules() -> None:
    """Expressions and templates parse, and no rule stands twice."""
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool("check", "rules", "--lint-fatal", RULES)


@needs_promtool
@pytest.mark.parametrize("total", [1, 3, 60, large(1000)])
def test_a_healthy_fleet_is_quiet(fires: Fires, total: int) -> None:
    """No alert knows how many shards there should be."""
    fires(healthy(total), {})


@needs_promtool
def test_no_exporter(fires: Fires) -> None:
    """Prometheus has no target at all, or none that answers."""
    down = {series("up", {"job": TELEMETRY, "namespace": "monitoring", "instance": "ksm-shard-0"}): always(0)}
    expected = {"KsmShardAbsent": ({"namespace": ""}, "No shard of ksm-shard answers.")}

    fires([], expected)
    fires([], expected, down)


@needs_promtool
@pytest.mark.parametrize(
    ("total", "failing", "job"),
    [(3, 1, "ksm-shard"), (3, 1, "kube-state-metrics"), (60, 1, "ksm-shard"), (60, 59, "ksm-shard")],
)
def test_shards_that_cannot_be_scraped(fires: Fires, total: int, failing: int, job: str) -> None:
    """The main port fails although the telemetry port answers, whatever the job is called."""
    down = {
        series("up", {"job": job, "instance": f"ksm-shard-{number}"}): always(0) for number in range(1, failing + 1)
    }
    labels = {"namespace": "", "job": job}

    fires(
        healthy(total), {"KsmShardScrapeFails": (labels, f"Prometheus cannot scrape {failing} targets of {job}.")}, down
    )


@needs_promtool
@pytest.mark.parametrize(("total", "number"), [(3, 0), (60, 59), large(1000, 500)])
def test_a_shard_is_missing_and_nobody_covers_for_it(fires: Fires, total: int, number: int) -> None:
    """One of any number is noticed, and so are its slots and its objects."""
    fleet = [shard for shard in healthy(total) if shard.number != number]
    slots, objects = share(number, total, SLOTS), share(number, total, OBJECTS)

    fires(
        fleet,
        {
            "KsmShardMissing": ({}, "1 shards of the fleet in monitoring are missing."),
            "KsmShardSlotsUnserved": ({}, f"{slots} of 65536 slots are served by no shard in monitoring."),
            "KsmShardObjectsMissing": (
                {"resource": "pods"},
                f"{objects} pods are exported by no shard in monitoring.",
            ),
        },
    )


@needs_promtool
def test_a_shard_is_missing_and_another_holds_its_objects(fires: Fires) -> None:
    """Then nothing is lost, and only the shard is missing."""
    fleet = healthy(60)[:-1]
    fleet[7].slots["held"] = always(share(59, 60, SLOTS))
    fleet[7].pods["objects_owned"] = always(share(7, 60, OBJECTS) + share(59, 60, OBJECTS))

    fires(fleet, {"KsmShardMissing": ({}, "1 shards of the fleet in monitoring are missing.")})


@needs_promtool
@pytest.mark.parametrize("total", [3, 60, large(1000)])
def test_two_shards_have_one_ordinal(fires: Fires, total: int) -> None:
    """A second exporter with the same --shard."""
    target = {"job": TELEMETRY, "namespace": "monitoring", "instance": "other"}
    twin = {
        series("kube_state_metrics_shard_ordinal", target | {"shard_ordinal": "2"}): always(2),
        series("ksm_shard_map_info", target | healthy(total)[2].map): always(1),
    }

    fires(
        healthy(total),
        {"KsmShardSameOrdinal": ({"shard_ordinal": "2"}, "2 exporters in monitoring are shard 2.")},
        twin,
    )


@needs_promtool
@pytest.mark.parametrize("job", [TELEMETRY, "kube-state-metrics"])
def test_the_job_is_as_one_likes(fires: Fires, job: str) -> None:
    """Alerts know the metrics of a fleet, and not kube-state-metrics' own, which are scraped beside it in the same namespace."""
    fleet = healthy(3)
    for shard in fleet:
        shard.job = job
    target = {"job": "kube-state-metrics", "namespace": "monitoring", "instance": "10.0.0.7:8081"}
    beside = {
        series("kube_state_metrics_shard_ordinal", target | {"shard_ordinal": "0"}): always(0),
        series("kube_state_metrics_total_shards", target): always(7),
    }

    fires(fleet, {}, beside)
    fires([], {"KsmShardAbsent": ({"namespace": ""}, "No shard of ksm-shard answers.")}, beside)


@needs_promtool
def test_two_fleets_are_kept_apart(fires: Fires) -> None:
    """Another fleet, in another namespace, is neither a second shard 0 nor at odds about the map."""
    other = {
        name.replace('namespace="monitoring"', 'namespace="other"'): values
        for shard in healthy(5)
        for name, values in shard.write().items()
        if "namespace" in name
    }

    fires(healthy(3), {}, other)


@needs_promtool
@pytest.mark.parametrize(("total", "what"), [(3, "ring"), (60, "digest"), large(1000, "digest")])
def test_shards_disagree_about_the_map(fires: Fires, total: int, what: str) -> None:
    """One shard of any number follows another map."""
    fleet = healthy(total)
    fleet[1].map = {**fleet[1].map, what: "other"}

    fires(fleet, {"KsmShardMapsDiffer": ({}, "The shards in monitoring follow 2 different maps.")})


@needs_promtool
def test_a_shard_that_has_no_map_yet_is_not_at_odds(fires: Fires) -> None:
    """It waits for its StatefulSet: its hand-over is stuck, and it is missing."""
    fleet = healthy(3)
    waiting = fleet[2]
    waiting.map, waiting.phase, waiting.ordinal, waiting.total = (
        {"ring": "mmh3", "digest": "", "total": "0"},
        "waiting",
        "_",
        always(0),
    )
    fleet[0].slots["held"] = waiting.slots["owned"]
    waiting.slots = {"owned": always(0)}

    fires(
        fleet,
        {
            "KsmShardMissing": ({}, "1 shards of the fleet in monitoring are missing."),
            "KsmShardHandoverStuck": ({}, "1 shards in monitoring have not ended a hand-over for half an hour."),
        },
    )


@needs_promtool
@pytest.mark.parametrize(("total", "lost"), [(3, 1), (60, 60), large(1000, 1000)])
@pytest.mark.parametrize(("problem", "state"), [(1, "watching"), (0, "forbidden"), (0, "waiting"), (1, "forbidden")])
def test_shards_cannot_follow_their_fleet(fires: Fires, total: int, lost: int, problem: int, state: str) -> None:
    """The StatefulSet is gone, or a right is missing: each shard counts once, whatever it says besides."""
    fleet = healthy(total)
    for shard in fleet[:lost]:
        shard.membership = {"statefulsets": state, "pods": state}
        shard.problem = problem
    summary = f"{lost} shards in monitoring cannot follow their StatefulSet or its pods."

    fires(fleet, {"KsmShardMembershipProblem": ({}, summary)})


@needs_promtool
@pytest.mark.parametrize("check", SetupCheck)
@pytest.mark.parametrize(("total", "wrong"), [(3, 3), (60, 1)])
def test_shards_are_not_set_up_as_they_should_be(fires: Fires, total: int, wrong: int, check: SetupCheck) -> None:
    """Each check has an alert for the fleet; a right that was taken one of its own, as what is exported is old."""
    fleet = healthy(total)
    for shard in fleet:
        found = {one: int(one is check and shard.number < wrong) for one in SetupCheck}
        shard.more += [("ksm_shard_setup_problem", {"check": one}, always(value)) for one, value in found.items()]
    old = f"{wrong} shards in monitoring export what they knew before a right was taken from them."
    bad = f"{wrong} shards in monitoring are not set up as they should be: {check}."

    fires(
        fleet,
        {"KsmShardRightsLost": ({}, old)}
        if check is SetupCheck.RIGHTS
        else {"KsmShardSetupProblem": ({"check": check}, bad)},
    )


@needs_promtool
@pytest.mark.parametrize("total", [3, 60])
def test_a_pod_that_never_becomes_ready(fires: Fires, total: int) -> None:
    """It never loads what it gained, so that the others hold it for ever."""
    fleet = healthy(total)
    fleet[2].phase = "gaining"
    fleet[2].slots["gained"] = fleet[2].slots["owned"]
    fleet[2].pods |= {"objects_owned": always(0), "synced": always(0)}
    fleet[0].phase = "releasing"
    fleet[0].slots["held"] = fleet[2].slots["owned"]
    fleet[0].pods["objects_owned"] = always(share(0, total, OBJECTS) + share(2, total, OBJECTS))

    fires(
        fleet,
        {
            "KsmShardHandoverStuck": ({}, "2 shards in monitoring have not ended a hand-over for half an hour."),
            "KsmShardNotSynced": ({"resource": "pods"}, "1 shards in monitoring have never listed pods."),
        },
    )


@needs_promtool
@pytest.mark.parametrize(("total", "state"), [(3, "waiting"), (60, "listing"), large(1000, "listing")])
def test_a_resource_is_not_synced(fires: Fires, total: int, state: str) -> None:
    """Half of the shards have not listed it."""
    fleet = healthy(total)
    for shard in fleet[::2]:
        shard.state = state
        shard.pods["synced"] = always(0)
        del shard.pods["last_event_timestamp_seconds"]
    count = len(fleet[::2])

    fires(fleet, {"KsmShardNotSynced": ({"resource": "pods"}, f"{count} shards in monitoring have never listed pods.")})


@needs_promtool
def test_an_absent_api_is_all_right(fires: Fires) -> None:
    """KubeSphere's users are asked for everywhere and are nowhere else: errors for ever, never synced, and no alert."""
    fleet = healthy(3)
    for shard in fleet:
        shard.more += users("absent")

    fires(fleet, {})


@needs_promtool
def test_a_forbidden_resource(fires: Fires) -> None:
    """The state is told, and neither that it has not synced nor that it fails."""
    fleet = healthy(60)
    for shard in fleet:
        shard.more += users("forbidden")
    labels = {"resource": "users", "state": "forbidden"}
    summary = "The API server refuses users to 60 shards in monitoring: forbidden."

    fires(fleet, {"KsmShardForbidden": (labels, summary)})


@needs_promtool
@pytest.mark.parametrize(
    ("last", "bookmarks", "at", "firing"),
    [
        ("0x30", "5x30", "10m", False),
        ("0x30", "5x30", "12m", True),
        ("0x30", "", "12m", False),  # it may be that nothing happens
        ("0x30", "", "22m", True),
        (
            "0 60 120 120 120 120 360 420 480 480 480 480 720+60x20",
            "5x30",
            "30m",
            False,
        ),  # stalls, each found within 4 minutes
        ("0 60 120 120 120 120 360 420 480 480 480 480 720+60x20", "5x30", "11m", False),
    ],
)
@pytest.mark.parametrize("total", [3, 60])
def test_nothing_is_heard_of_a_resource(
    fires: Fires, total: int, last: Values, bookmarks: Values, at: str, firing: bool
) -> None:
    """Neither event nor bookmark for 5 minutes, while all seems well otherwise; for 15 where no shard ever had a bookmark."""
    fleet = healthy(total)
    fleet[1].pods["last_event_timestamp_seconds"] = last
    if bookmarks:  # it need not be the one that is deaf now
        fleet[2].more.append(("ksm_shard_events_total", {"resource": "pods", "type": "BOOKMARK"}, bookmarks))
    summary = "1 shards in monitoring have heard nothing of pods for more than 5 minutes."

    fires(fleet, {"KsmShardStale": ({"resource": "pods"}, summary)} if firing else {}, at=at)


@needs_promtool
def test_watches_that_stall(fires: Fires) -> None:
    """They are opened anew, which is no failure of the API server's."""
    fleet = healthy(3)
    for shard in fleet:
        shard.more.append(("ksm_shard_watch_errors_total", {"resource": "pods", "error": "stalled"}, "0+0.3x30"))
        shard.pods["watch_restarts_total"] = "0+0.4x30"

    fires(fleet, {})


@needs_promtool
@pytest.mark.parametrize("total", [3, 60, large(1000)])
def test_one_object_is_missing(fires: Fires, total: int) -> None:
    """One of 100,000 is enough."""
    fleet = healthy(total)
    fleet[1].pods["objects_owned"] = always(share(1, total, OBJECTS) - 1)
    summary = "1 pods are exported by no shard in monitoring."

    fires(fleet, {"KsmShardObjectsMissing": ({"resource": "pods"}, summary)})


@needs_promtool
@pytest.mark.parametrize("total", [3, 60])
def test_objects_that_come_and_go_are_not_missing(fires: Fires, total: int) -> None:
    """Each shard is scraped at another moment: the most that any saw is mostly more than all owned at theirs."""
    chance = Random(1)
    fleet = healthy(total)
    known = [OBJECTS + chance.randrange(-500, 500) for _ in range((MINUTES + 1) * total)]
    for shard in fleet:
        seen = known[shard.number :: total]
        shard.pods["objects_seen"] = by_minute(seen)
        shard.pods["objects_owned"] = by_minute([share(shard.number, total, one) for one in seen])

    fires(fleet, {})


@needs_promtool
def test_what_a_shard_in_trouble_saw_last_is_not_missing(fires: Fires) -> None:
    """It does not know of what was deleted since, which the others do."""
    fleet = healthy(3)
    for shard in fleet[1:]:
        shard.pods["objects_seen"] = always(OBJECTS // 2)
        shard.pods["objects_owned"] = always(share(shard.number, 3, OBJECTS // 2))
    fleet[0].pods["objects_owned"] = always(share(0, 3, OBJECTS // 2))
    fleet[0].state = "waiting"

    fires(fleet, {})


@needs_promtool
@pytest.mark.parametrize("lost", [0, 5])
def test_objects_that_the_server_sends_to_nobody(fires: Fires, lost: int) -> None:
    """With server-side filtering a shard sees only its own: all that are sent are to be owned by somebody."""
    fleet = healthy(60)
    for shard in fleet:
        owned = share(shard.number, 60, OBJECTS)
        shard.map = {**shard.map, "ring": "server-side"}
        shard.pods |= {
            "server_side_filtering": always(1),
            "objects_seen": always(owned + (lost if shard.number else 0)),
        }
    summary = f"{59 * lost} pods are exported by no shard in monitoring."

    fires(fleet, {"KsmShardObjectsMissing": ({"resource": "pods"}, summary)} if lost else {})


@needs_promtool
def test_a_covering_shard_is_sent_more_than_it_owns(fires: Fires) -> None:
    """With server-side filtering the ranges asked for are a little wider than the slots that are covered."""
    fleet = healthy(3)[:-1]
    for shard in fleet:
        shard.map = {**shard.map, "ring": "server-side"}
        shard.pods["server_side_filtering"] = always(1)
        shard.slots["held"] = always(share(2, 3, SLOTS) / 2)
        shard.pods["objects_owned"] = always(OBJECTS / 2)

    fires(fleet, {"KsmShardMissing": ({}, "1 shards of the fleet in monitoring are missing.")})


@needs_promtool
@pytest.mark.parametrize(
    ("values", "firing"),
    [
        ("_x39 7x40", True),  # born with what the first list had
        ("7x39 8x40", True),
        ("7x80", False),
        ("_x9 7x70", False),
    ],
)
def test_render_errors(fires: Fires, values: Values, firing: bool) -> None:
    """Errors fire for an hour, those of the first list too, before which there was no counter."""
    labels = {"resource": "pods", "family": "kube_pod_info"}
    target = {"job": TELEMETRY, "namespace": "monitoring", "instance": "ksm-shard-0"}
    told = {
        series("ksm_shard_map_info", target | {"total": "1"}): "1x80",
        series("ksm_shard_render_errors_total", target | labels): values,
    }
    summary = "kube_pod_info fails for some pods in monitoring."

    fires([], {"KsmShardRenderErrors": (labels, summary)} if firing else {}, told, at="80m")


@needs_promtool
def test_an_object_that_cannot_be_rendered_at_all(fires: Fires) -> None:
    """Is counted under no family."""
    fleet = healthy(3)
    fleet[0].more.append(("ksm_shard_render_errors_total", {"resource": "pods", "family": ""}, "0x19 1x10"))
    summary = "All families fail for some pods in monitoring."

    fires(fleet, {"KsmShardRenderErrors": ({"resource": "pods"}, summary)})


@needs_promtool
@pytest.mark.parametrize("values", ["0x19 1x10", "_x19 7x10"])
def test_objects_that_cannot_be_read(fires: Fires, values: Values) -> None:
    """Garbage from the API server, now or in the first list."""
    fleet = healthy(3)
    fleet[0].pods["wire_errors_total"] = values
    summary = "Some pods could not be read in monitoring."

    fires(fleet, {"KsmShardObjectsUnreadable": ({"resource": "pods"}, summary)})


@needs_promtool
def test_a_configuration_that_is_not_right(fires: Fires) -> None:
    """One alert for the fleet, with the number of shards, whichever of the two files it is."""
    fleet = healthy(3)
    for shard, kind, value in zip(
        fleet, ("config", "customresourceconfig", "config"), ("0x30", "0x30", "1x30"), strict=True
    ):
        shard.more.append(("kube_state_metrics_last_config_reload_successful", {"type": kind}, value))

    fires(fleet, {"KsmShardConfig": ({}, "2 shards in monitoring go on with older settings.")})


@needs_promtool
def test_a_web_configuration_that_is_not_right(fires: Fires) -> None:
    """One alert for the fleet, with the number of shards."""
    fleet = healthy(3)
    for shard, value in zip(fleet, ("0x30", "1x30", "0x30"), strict=True):
        shard.more.append(("ksm_shard_web_config_last_reload_successful", {"filename": "/etc/web.yml"}, value))

    fires(fleet, {"KsmShardWebConfig": ({}, "2 shards in monitoring go on with an older web configuration.")})


@needs_promtool
def test_credentials_that_have_run_out(fires: Fires) -> None:
    """One alert for the fleet, beside those of the resources."""
    fleet = healthy(3)
    for shard in fleet:
        shard.more.append(("ksm_shard_watch_errors_total", {"resource": "pods", "error": "unauthorized"}, "0+2x30"))
        shard.pods["watch_restarts_total"] = "0+2x30"
    summary = "The API server does not accept the credentials of shards in monitoring."

    fires(
        fleet,
        {
            "KsmShardUnauthorized": ({}, summary),
            "KsmShardApiErrors": ({"resource": "pods"}, "100% of the lists and watches of pods fail in monitoring."),
        },
    )


@needs_promtool
@pytest.mark.parametrize(
    ("errors", "restarts", "firing"),
    [
        ("0+2x30", "0+2.5x30", "80%"),
        ("0x19 1x10", "0+0.15x30", ""),  # a lone failure is no trouble
        ("0+0.1x30", "0+0.25x30", ""),
    ],
)
@pytest.mark.parametrize("total", [3, 60])
def test_lists_and_watches_fail(fires: Fires, total: int, errors: Values, restarts: Values, firing: str) -> None:
    """More than half of them, for a quarter of an hour."""
    fleet = healthy(total)
    for shard in fleet:
        shard.more.append(("ksm_shard_watch_errors_total", {"resource": "pods", "error": "unavailable"}, errors))
        shard.pods["watch_restarts_total"] = restarts
    summary = f"{firing} of the lists and watches of pods fail in monitoring."

    fires(fleet, {"KsmShardApiErrors": ({"resource": "pods"}, summary)} if firing else {})


@needs_promtool
@pytest.mark.parametrize("at", ["10m", "12m", "14m", "16m", "25m", "30m"])
@pytest.mark.parametrize(("before", "after"), [(3, 10), (10, 4), (60, 100)])
def test_a_hand_over_is_quiet(fires: Fires, before: int, after: int, at: str) -> None:
    """At minute 10 the number of shards changes; new ones come and load in 3 minutes, old ones hand over and go."""
    fires(changing(before, after), {}, at=at)


@needs_promtool
@pytest.mark.parametrize("at", ["10m", "11m", "18m", "20m", "27m", "30m"])
@pytest.mark.parametrize("total", [3, 60])
def test_a_rolling_restart_is_quiet(fires: Fires, total: int, at: str) -> None:
    """From minute 10 on one pod after the other drains, is gone, loads and is back, and the others cover for it."""
    fires(rolling(total), {}, at=at)


def users(state: str) -> list[tuple[str, Labels, Values]]:
    """Return what a shard tells of a resource that it cannot list: it asks twice a minute."""
    labels = {"resource": "users"}
    return [
        ("ksm_shard_state", {**labels, "state": state}, always(1)),
        ("ksm_shard_synced", labels, always(0)),
        ("ksm_shard_objects_seen", labels, always(0)),
        ("ksm_shard_objects_owned", labels, always(0)),
        ("ksm_shard_relists_total", labels, f"1+2x{MINUTES}"),
        ("ksm_shard_watch_restarts_total", labels, always(0)),
        ("ksm_shard_watch_errors_total", {**labels, "error": state}, f"1+2x{MINUTES}"),
    ]
