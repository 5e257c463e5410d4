"""Unit tests for alerts, made and run: series of a fleet of any size, minute by minute, as Prometheus would have scraped them."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RULES = Path(__file__).parents[2] / "deploy/monitoring/ksm-shard.rules.yaml"
PROMTOOL = shutil.which("promtool")
TELEMETRY = "ksm-shard-telemetry"
SLOTS = 65_536
# Of the resource `pods`, in the whole fleet.
OBJECTS = 100_000
# Long enough for the longest `for` and the longest range but those of the errors, which are told separately.
MINUTES = 30

Labels = Mapping[str, str]
# Values in promtool's notation: start, step, times ("1x90"), "_" for none, joined by spaces.
Values = str


def promtool(*arguments: str | Path) -> str:
    """Run promtool and return what it says, with what it says if it fails."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def always(value: float) -> Values:
    """Return the same value at every minute."""
    return f"{value}x{MINUTES}"


def by_minute(values: Sequence[float | None]) -> Values:
    """Return one value for each minute, None for none."""
    return " ".join("_" if value is None else str(value) for value in values)


def series(name: str, labels: Labels) -> str:
    """Return a series as promtool reads it."""
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"


@dataclass
class Shard:
    """What one shard says, all the time or minute by minute. Change what is to be wrong.

    Attributes:
        main: whether the main port answers.
        job: of the telemetry port.
        slots: values by state.
        membership: states of the watches of the membership, by resource.
        pods: values of what is told by resource, of the resource `pods`.
        more: further series with the labels besides those of the target, and their values.
    """

    number: int
    total: Values
    ordinal: Values
    map: Labels
    map_values: Values = f"1x{MINUTES}"
    phase: str = "stable"
    phase_seconds: Values = f"3600+60x{MINUTES}"
    state: str = "watching"
    problem: int = 0
    job: str = TELEMETRY
    membership: dict[str, str] = field(default_factory=lambda: {"statefulsets": "watching", "pods": "watching"})
    main: Values = f"1x{MINUTES}"
    slots: dict[str, Values] = field(default_factory=dict)
    pods: dict[str, Values] = field(default_factory=dict)
    more: list[tuple[str, Labels, Values]] = field(default_factory=list)

    @property
    def instance(self) -> str:
        """The name of the pod."""
        return f"ksm-shard-{self.number}"

    def write(self) -> dict[str, Values]:
        """Return all series with their values."""
        target = {"job": self.job, "namespace": "monitoring", "instance": self.instance}
        rows: list[tuple[str, Labels, Values]] = [
            ("up", {}, always(1)),
            ("kube_state_metrics_total_shards", {}, self.total),
            ("kube_state_metrics_shard_ordinal", {"shard_ordinal": str(self.number)}, self.ordinal),
            ("ksm_shard_map_info", self.map, self.map_values),
            ("ksm_shard_handover_phase", {"phase": self.phase}, always(1)),
            ("ksm_shard_handover_seconds", {}, self.phase_seconds),
            ("ksm_shard_membership_problem", {}, always(self.problem)),
            *(
                ("ksm_shard_membership_state", {"resource": name, "state": state}, always(1))
                for name, state in self.membership.items()
            ),
            ("ksm_shard_state", {"resource": "pods", "state": self.state}, always(1)),
            *(("ksm_shard_slots", {"state": state}, values) for state, values in self.slots.items()),
            *((f"ksm_shard_{name}", {"resource": "pods"}, values) for name, values in self.pods.items()),
            *self.more,
        ]
        written = {series(name, target | dict(labels)): values for name, labels, values in rows}
        written[series("up", {"job": "ksm-shard", "instance": self.instance})] = self.main
        return written


def share(number: int, total: int, whole: int) -> int:
    """Return the part of a whole that a shard has."""
    return whole // total + (number < whole % total)


def healthy(total: int) -> list[Shard]:
    """Return a fleet with which nothing is wrong."""
    return [
        Shard(
            number,
            total=always(total),
            ordinal=always(number),
            map={"ring": "mmh3", "digest": "0123456789abcdef", "total": str(total)},
            slots={"owned": always(share(number, total, SLOTS)), "held": always(0), "gained": always(0)},
            pods={
                "objects_seen": always(OBJECTS),
                "objects_owned": always(share(number, total, OBJECTS)),
                "synced": always(1),
                "last_event_timestamp_seconds": f"0+60x{MINUTES}",
                "watch_restarts_total": f"0+0.15x{MINUTES}",
                "relists_total": always(1),
                "wire_errors_total": always(0),
                "server_side_filtering": always(0),
            },
        )
        for number in range(total)
    ]


def check(
    folder: Path,
    fleet: Sequence[Shard],
    expected: Mapping[str, tuple[Labels, str]],
    rules: Mapping[str, Mapping[str, Any]],
    extra: Mapping[str, Values] | None = None,
    at: str = f"{MINUTES}m",
) -> None:
    """Have promtool check that exactly these alerts fire: name -> labels besides the usual ones, and summary.

    Args:
        folder: for the file of the test.
        fleet: the shards that are scraped.
        expected: what is to fire; a label that is "" is not to be there.
        rules: all alerts, by name.
        extra: further series.
        at: after what time.
    """
    written = {name: values for shard in fleet for name, values in shard.write().items()} | dict(extra or {})
    tests = []
    for name, rule in rules.items():
        firing = []
        if name in expected:
            labels, summary = expected[name]
            labels = {"severity": rule["labels"]["severity"], "namespace": "monitoring", **labels}
            firing = [
                {
                    "exp_labels": {key: value for key, value in labels.items() if value},
                    "exp_annotations": {**rule["annotations"], "summary": summary},
                }
            ]
        tests.append({"eval_time": at, "alertname": name, "exp_alerts": firing})
    assert expected.keys() <= rules.keys()
    content = {
        "rule_files": [str(RULES)],
        # Every alert once a minute is 13 s for 1,000 shards.
        "evaluation_interval": "1m" if len(fleet) < 100 else "5m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in written.items()],
                "alert_rule_test": tests,
            }
        ],
    }
    file = folder / "alerts_test.json"
    file.write_text(json.dumps(content))
    promtool("test", "rules", file)
