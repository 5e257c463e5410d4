"""The intended differences from kube-state-metrics 2.20, as docs/operations.md and docs/custom-resources.md tell them.

Each is about series that one of the two exporters has, and the other one has not, or has with another value. A series of
kube-state-metrics that is documented not to be here is no loss; the way back loses what only ksm-shard has.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ksm_shard.audit.series import Series
from ksm_shard.metrics.labels import label_name
from ksm_shard.wire.codec import WITHHELD

# What Go writes for a time that is null, in Unix seconds.
YEAR_ONE: Final = -62135596800.0
# The end of the year 9999, the last one that the API can write.
LAST_SECOND: Final = 253402300799.0


class Side(Enum):
    """The exporter that has the series."""

    THEIRS = "kube-state-metrics"
    OURS = "ksm-shard"
    BOTH = "both, with different values"


@dataclass(frozen=True, slots=True)
class Documented:
    """An intended difference.

    Attributes:
        side: who has the series.
        families: pattern of their names.
        text: why, in a few words.
        place: page and heading that tell more.
        holds: tells whether a series of these families is meant.
    """

    side: Side
    families: re.Pattern[str]
    text: str
    place: str
    holds: Callable[[Series], bool]


MOVING: Final = "docs/operations.md#moving-from-kube-state-metrics"
CUSTOM: Final = "docs/custom-resources.md#what-is-different"
TARGETS: Final = re.compile(r"kube_horizontalpodautoscaler_(spec|status)_target_metric")
NEXT_RUN: Final = re.compile(r"kube_cronjob_next_schedule_time")
CONTAINER_TIMES: Final = re.compile(r"kube_pod_(init_)?container_(state_started|status_last_terminated_timestamp)")
SECRET_ANNOTATIONS: Final = re.compile(r"kube_secret_annotations")
USERS: Final = re.compile(r"kube_user_(cpu|memory)_total")
ANY: Final = re.compile(r".*")

# Labels that tell metrics of one name apart in one HorizontalPodAutoscaler.
APART: Final = frozenset({"metric_selector", "metric_object", "metric_source"})
WITHHELD_LABELS: Final = frozenset(label_name("annotation", key) for key in WITHHELD)


def _is_custom(one: Series) -> bool:
    return "customresource_kind" in one.labels


DOCUMENTED: Final = (
    Documented(
        Side.THEIRS,
        TARGETS,
        "metrics of one name are told apart by a label here",
        MOVING,
        lambda one: one.repeated,
    ),
    Documented(
        Side.OURS,
        TARGETS,
        "metrics of one name are told apart by a label here",
        MOVING,
        lambda one: not APART.isdisjoint(one.labels),
    ),
    Documented(
        Side.THEIRS,
        NEXT_RUN,
        "a schedule that never comes has no next run here",
        MOVING,
        lambda one: one.value == YEAR_ONE,
    ),
    Documented(
        Side.BOTH, NEXT_RUN, "the next run is the cron job controller's here", MOVING, lambda _: True
    ),
    Documented(
        Side.THEIRS,
        CONTAINER_TIMES,
        "a container that the kubelet lost sight of has no times here",
        MOVING,
        lambda one: one.value == YEAR_ONE,
    ),
    Documented(
        Side.THEIRS,
        SECRET_ANNOTATIONS,
        "annotations that repeat the data of a secret are withheld here",
        MOVING,
        lambda one: not WITHHELD_LABELS.isdisjoint(one.labels),
    ),
    Documented(
        Side.OURS, USERS, "KubeSphere's users are exported here only", "docs/metrics.md#users", lambda _: True
    ),
    Documented(
        Side.THEIRS,
        ANY,
        "an impossible time has no sample here",
        MOVING,
        lambda one: one.value > LAST_SECOND or one.value < YEAR_ONE,
    ),
    Documented(
        Side.THEIRS,
        ANY,
        "a text without a digit is no number here",
        CUSTOM,
        lambda one: _is_custom(one) and one.value == 0,
    ),
    Documented(
        Side.OURS,
        ANY,
        "all entries count, and kinds without a definition are found here",
        CUSTOM,
        _is_custom,
    ),
)  # fmt: skip


def documented(side: Side, series: Series) -> Documented | None:
    """Return the intended difference that a series is part of, or None."""
    for one in DOCUMENTED:
        if one.side is side and one.families.fullmatch(series.family) and one.holds(series):
            return one
    return None
