"""Reasons for differences, and what is a loss. Excludes finding the differences (test_differences.py)."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ksm_shard.audit.catalogue import families
from ksm_shard.audit.documented import ANY, DOCUMENTED
from ksm_shard.audit.findings import FamilyFindings
from ksm_shard.audit.reasons import UNKNOWN, Moving, Reason
from ksm_shard.audit.sources import StoredScrapes
from ksm_shard.commands.compare import compared
from ksm_shard.status.report import ResourceReport
from tests.commands.test_check import fleet

DOCS = Path(__file__).parents[2] / "docs"
YEAR_ONE = "-6.21355968e+10"


def held(tmp_path: Path, old: list[str], new: list[str], **filters: Any) -> dict[str, FamilyFindings]:
    """Compare recorded scrapes; the new side has these filters, if any."""
    for name, lines in (("old", old), ("new", new)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    reports = [replace(fleet(1)[0], filters=filters)] if filters else []
    sides = [str(tmp_path / "old")], [str(tmp_path / "new")]
    return {name: one for name, one in compared(*sides, reports, pytest.fail).items() if one.findings or one.is_loss}


def said(found: FamilyFindings) -> list[tuple[str, str, bool]]:
    """Return sort, reason and whether it is a loss, of each finding."""
    return [(one.sort.value, one.reason.text, one.is_loss) for one in found.findings.values()]


POD = 'namespace="a",pod="b",uid="c"'
OTHER = 'kube_pod_info{pod="x"} 1'
# Series of the old side, of the new side, the beginnings of the reasons, and whether a switch loses anything.
INTENDED = [
    ([f'kube_cronjob_next_schedule_time{{cronjob="a"}} {YEAR_ONE}'], [], ["intended: a schedule that never comes"], False),
    (['kube_cronjob_next_schedule_time{cronjob="a"} 60'], ['kube_cronjob_next_schedule_time{cronjob="a"} 120'],
     ["intended: the next run is the cron job controller's"], False),
    (['kube_cronjob_next_schedule_time{cronjob="a"} 60'], [], ["the new side exports no cronjobs"], True),
    ([f"kube_pod_container_state_started{{{POD}}} {YEAR_ONE}"], [], ["intended: a container that the kubelet lost"], False),
    ([f"kube_pod_created{{{POD}}} {YEAR_ONE}"], [], [""], True),
    ([f"kube_pod_created{{{POD}}} 1e+12"], [], ["intended: an impossible time"], False),
    (['kube_secret_annotations{secret="a",annotation_kubectl_kubernetes_io_last_applied_configuration="{}"} 1'],
     ['kube_secret_annotations{secret="a"} 1'],
     ["intended: annotations that repeat the data", "--metric-annotations-allowlist of the new side allows others"], False),
    (['kube_secret_annotations{secret="a",annotation_team="x"} 1'], ['kube_secret_annotations{secret="a"} 1'],
     ["--metric-annotations-allowlist of the new side allows others"] * 2, True),
    (['kube_horizontalpodautoscaler_spec_target_metric{metric_name="q"} 1',
      'kube_horizontalpodautoscaler_spec_target_metric{metric_name="q"} 2'],
     ['kube_horizontalpodautoscaler_spec_target_metric{metric_name="q",metric_selector="s"} 1'],
     ["intended: metrics of one name", "intended: metrics of one name"], False),
    ([], ['kube_user_cpu_total{user="a"} 1'], ["intended: KubeSphere's users"], False),
    (['kube_user_cpu_total{user="a"} 1'], [], ["intended: KubeSphere's users"], True),
    (['kube_customresource_x{customresource_kind="K"} 0'], [], ["intended: a text without a digit"], False),
    (['kube_customresource_x{customresource_kind="K"} 1'], [], ["intended: all entries count"], True),
    ([], ['kube_customresource_x{customresource_kind="K"} 1'], ["intended: all entries count"], False),
    ([f"kube_pod_owner{{{POD}}} 1"], [], [""], True),
    (['kube_made_up{a="b"} 1'], [], [""], True),
    (['kube_resourceclaim_x{a="b"} 1'], ['kube_resourceclaim_x{a="b"} 2'], [""], True),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "reasons", "loss"), INTENDED)
def test_intended_differences(tmp_path: Path, old: list[str], new: list[str], reasons: list[str], loss: bool) -> None:
    """Each is told with its page, and is no loss; what looks similar and is not intended is one."""
    (found,) = held(tmp_path, [*old, OTHER], [*new, OTHER]).values()

    assert len(reasons) == len(found.findings)
    for beginning, (_, text, _) in zip(reasons, said(found), strict=True):
        assert text.startswith(beginning)
        assert bool(beginning) == bool(text)
    assert loss == found.is_loss


@pytest.mark.parametrize("one", DOCUMENTED, ids=lambda one: f"{one.side.name} {one.families.pattern}")
def test_each_intended_difference_is_documented(one: Any) -> None:
    """Its page has the heading, and its pattern matches families that there are."""
    page, _, anchor = one.place.partition("#")
    headings = re.findall(r"(?m)^#+ (.*)$", (DOCS.parent / page).read_text())

    assert anchor in [re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert one.families is ANY or any(map(one.families.fullmatch, families()))


PODS = ResourceReport(seen=1, owned=1, synced=True, state="watching", series=1, deflated=1, text=1)
FILTERS = [
    ("kube_node_info", {"resources": ["pods"]}, "--resources of the new side leaves out nodes"),
    ("kube_ingressclass_info", {"node": ["x"]}, "ingressclasses are exported only if --resources names them"),
    ("kube_pod_owner", {"metric-denylist": ["kube_pod_o"]}, "--metric-denylist of the new side names it"),
    ("kube_pod_owner", {"metric-allowlist": ["kube_pod_info"]}, "--metric-allowlist of the new side leaves it out"),
    ("kube_pod_nodeselectors", {"resources": ["pods"]}, "an opt-in family that --metric-opt-in-list of the new side does not"),
    ("kube_pod_owner", {"namespaces": ["b"]}, "--namespaces of the new side leaves out a"),
    ("kube_pod_owner", {"namespaces-denylist": ["a"]}, "--namespaces-denylist of the new side names a"),
    ("kube_pod_owner", {"node": ["x"]}, "the new side exports the pods of some nodes only"),
    ("kube_pod_labels", {"resources": ["pods"]}, "--metric-labels-allowlist of the new side allows others"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "filters", "expected"), FILTERS)
def test_filters_of_the_new_side(tmp_path: Path, family: str, filters: dict[str, Any], expected: str) -> None:
    """A shard tells its filters, and what they leave out is a loss."""
    (found,) = held(tmp_path, [f"{family}{{{POD}}} 1", OTHER], [OTHER], **filters).values()

    ((sort, text, loss),) = said(found)
    assert ("missing", True) == (sort, loss)
    assert text.startswith(expected)


def test_a_resource_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """With the command that prints the rights."""
    forbidden = replace(PODS, state="forbidden")
    (tmp_path / "old").write_text(f"kube_pod_owner{{{POD}}} 1\n{OTHER}\n")
    (tmp_path / "new").write_text(f"{OTHER}\n")
    report = replace(fleet(1)[0], resources={"pods": forbidden})

    found = compared([str(tmp_path / "old")], [str(tmp_path / "new")], [report], pytest.fail)

    text = "the new side cannot follow pods: forbidden; ksm-shard rbac prints the rights"
    assert [("missing", text, True)] == said(found["kube_pod_owner"])


def test_an_object_that_changed_between_recorded_scrapes(tmp_path: Path) -> None:
    """Its resource version tells: the other families of the same object may differ."""
    lines = [
        'kube_secret_metadata_resource_version{{namespace="a",secret="b"}} {}',
        'kube_secret_type{{namespace="a",secret="b",type="t{}"}} 1',
    ]
    old, new = ([line.format(number) for line in lines] for number in (1, 2))
    reason = "the object changed between the two scrapes"

    found = held(tmp_path, old, new)

    assert [("of another value", reason, False)] == said(found["kube_secret_metadata_resource_version"])
    assert [("missing", reason, False), ("surplus", reason, False)] == said(found["kube_secret_type"])


def test_an_object_that_came_just_now(tmp_path: Path) -> None:
    """A side may not have heard of it yet; an older object has no such excuse."""
    now = 1_764_100_000.0
    lines = [
        'kube_pod_created{namespace="a",pod="young",uid="y"} 1764099990',
        'kube_pod_created{namespace="a",pod="old",uid="o"} 1764000000',
    ]
    (tmp_path / "old").write_text("".join(f"{line}\n" for line in lines))
    pods, _ = families()["kube_pod_created"]
    sources = [str(tmp_path / "old")]

    with StoredScrapes(sources) as scrapes:
        moving = Moving(scrapes.of(sources), [], now)

    young, old = ({"namespace": "a", "pod": name, "uid": name[0]} for name in ("young", "old"))
    assert Reason("the object is younger than 30 s", harmless=True) == moving.reason(pods, young)
    assert UNKNOWN == moving.reason(pods, old)
