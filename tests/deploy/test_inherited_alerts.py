"""The four alerts about kube-state-metrics itself that people have go on working, once the telemetry job has its name.

They are written as the kube-state-metrics mixin has them, but for their thresholds' decimals.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from ksm_shard.web.telemetry import Telemetry
from tests.deploy.promtool import MINUTES, PROMTOOL, Shard, always, healthy, promtool
from tests.web.serve_fake import FakeSource

JOB = "kube-state-metrics"
ALERTS: Mapping[str, str] = {
    **{
        f"KubeStateMetrics{name}Errors": f"""
            sum by (cluster) (rate(kube_state_metrics_{verb}_total{{job="{JOB}",result="error"}}[5m]))
            / sum by (cluster) (rate(kube_state_metrics_{verb}_total{{job="{JOB}"}}[5m])) > 0.01"""
        for name, verb in (("List", "list"), ("Watch", "watch"))
    },
    "KubeStateMetricsShardingMismatch": f'stdvar by (cluster) (kube_state_metrics_total_shards{{job="{JOB}"}}) != 0',
    "KubeStateMetricsShardsMissing": f"""
        2 ^ max by (cluster) (kube_state_metrics_total_shards{{job="{JOB}"}}) - 1
        - sum by (cluster) (2 ^ max by (cluster, shard_ordinal) (kube_state_metrics_shard_ordinal{{job="{JOB}"}})) != 0""",
}


def fleet(total: int) -> list[Shard]:
    """Return a healthy fleet whose telemetry is scraped under that job, and which lists and watches without fault."""
    shards = healthy(total)
    for shard in shards:
        shard.job = JOB
        for verb in ("list", "watch"):
            labels = {"resource": "*v1.Pod", "result": "success"}
            shard.more.append((f"kube_state_metrics_{verb}_total", labels, f"0+60x{MINUTES}"))
    return shards


def missing() -> list[Shard]:
    """Return a fleet of which one shard does not answer."""
    return fleet(3)[:2]


def mismatched() -> list[Shard]:
    """Return a fleet of which one shard has not heard that there are three."""
    shards = fleet(3)
    shards[0].total = always(2)
    return shards


def failing(verb: str) -> list[Shard]:
    """Return a fleet of which one shard fails to list or to watch every other time."""
    shards = fleet(3)
    labels = {"resource": "*v1.Pod", "result": "error"}
    shards[1].more.append((f"kube_state_metrics_{verb}_total", labels, f"0+60x{MINUTES}"))
    return shards


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(
    ("shards", "expected"),
    [
        *((fleet(total), "") for total in (1, 3, 50)),
        (missing(), "KubeStateMetricsShardsMissing"),
        (mismatched(), "KubeStateMetricsShardingMismatch"),
        (failing("list"), "KubeStateMetricsListErrors"),
        (failing("watch"), "KubeStateMetricsWatchErrors"),
    ],
    ids=["one", "three", "fifty", "missing", "mismatch", "list", "watch"],
)
def test_each_fires_when_it_should(tmp_path: Path, shards: list[Shard], expected: str) -> None:
    """Every alert is looked at: the expected one fires, and no other does."""
    rules = [
        {"alert": name, "expr": expression, "for": "15m", "labels": {"severity": "critical"}}
        for name, expression in ALERTS.items()
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "kube-state-metrics", "rules": rules}]}))
    written = {name: values for shard in shards for name, values in shard.write().items()}
    firing = [{"exp_labels": {"severity": "critical"}}]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in written.items()],
        "alert_rule_test": [
            {"eval_time": f"{MINUTES}m", "alertname": name, "exp_alerts": firing if name == expected else []}
            for name in ALERTS
        ],
    }
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [case]}
    (tmp_path / "test.json").write_text(json.dumps(content))

    promtool("test", "rules", tmp_path / "test.json")


def test_their_series_are_exposed() -> None:
    """What the alerts select is what the telemetry port has, with the same names and labels."""
    lines = Telemetry(FakeSource(0, synced=True)).expose(openmetrics=False).decode().splitlines()

    for start in (
        'kube_state_metrics_list_total{resource="*v1.Pod",result="success"} ',
        'kube_state_metrics_watch_total{resource="*v1.Pod",result="success"} ',
        'kube_state_metrics_shard_ordinal{shard_ordinal="',
        "kube_state_metrics_total_shards ",
    ):
        assert any(line.startswith(start) for line in lines), start
