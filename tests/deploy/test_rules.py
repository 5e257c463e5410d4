"""The alerts fire when they should, and only then, for fleets of any size. Run by promtool, where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
RULES = MONITORING / "ksm-shard.rules.yaml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")

JOB = 'job="ksm-shard-telemetry"'


def fleet(total: int, **changes: Any) -> dict[str, str]:
    """Return the series of a fleet that is well: each a name with labels -> values for an hour."""
    found = {}
    for shard in range(total):
        who = f'{JOB},instance="ksm-shard-{shard}"'
        found[f"kube_state_metrics_total_shards{{{who}}}"] = f"{total}x60"
        found[f'kube_state_metrics_shard_ordinal{{{who},shard_ordinal="{shard}"}}'] = f"{shard}x60"
        found[f'ksm_shard_map_info{{{who},ring="mmh3",digest="d",total="{total}"}}'] = "1x60"
        found[f'ksm_shard_synced{{{who},resource="pods"}}'] = "1x60"
        found[f'ksm_shard_state{{{who},resource="pods",state="watching"}}'] = "1x60"
        found[f'ksm_shard_objects_seen{{{who},resource="pods"}}'] = f"{total * 10}x60"
        found[f'ksm_shard_objects_owned{{{who},resource="pods"}}'] = "10x60"
        found[f'ksm_shard_last_event_timestamp_seconds{{{who},resource="pods"}}'] = "0+60x60"
        found[f'ksm_shard_render_errors_total{{{who},resource="pods",family="f"}}'] = "0x60"
        found[f'ksm_shard_watch_errors_total{{{who},resource="pods",error="gone"}}'] = "0x60"
    return {name: values for name, values in (found | changes).items() if values}


def shard(number: int, name: str, labels: str = "") -> str:
    """Return the name of a series of one shard."""
    return f'{name}{{{JOB},instance="ksm-shard-{number}"{labels}}}'


def firing(series: dict[str, str], tmp_path: Path) -> set[str]:
    """Return the alerts that fire after 50 minutes: promtool expects none, and names those that it finds all the same."""
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": "50m", "alertname": rule["alert"], "exp_alerts": []} for rule in rules],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    done = subprocess.run([str(PROMTOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    fired = set(re.findall(r"alertname: ?(\w+)", done.stdout + done.stderr))
    assert bool(done.returncode) == bool(fired), done.stdout + done.stderr
    return fired


def test_both_forms_of_the_rules_are_the_same() -> None:
    """The PrometheusRule holds exactly the groups of the plain file."""
    plain = yaml.safe_load(RULES.read_text())
    operator = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text())

    assert plain == operator["spec"]


def test_each_alert_has_its_section_in_the_operations_page() -> None:
    """Who is woken finds what to do under the alert's name."""
    page = (MONITORING.parents[1] / "docs" / "operations.md").read_text()

    for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]:
        assert f"### {rule['alert']}" in page


@needs_promtool
@pytest.mark.parametrize("total", [1, 3, 60, 1000])
def test_nothing_fires_for_a_fleet_that_is_well(total: int, tmp_path: Path) -> None:
    """Whatever its size."""
    assert set() == firing(fleet(total), tmp_path)


@needs_promtool
@pytest.mark.parametrize("total", [3, 60])
def test_one_missing_shard_is_noticed_at_any_size(total: int, tmp_path: Path) -> None:
    """Its ordinal is missing, and so are its objects."""
    last = f'instance="ksm-shard-{total - 1}"'
    series = {name: values for name, values in fleet(total).items() if last not in name}

    assert {"KsmShardMissing", "KsmShardObjectsMissing"} == firing(series, tmp_path)


@needs_promtool
def test_a_hand_over_fires_nothing(tmp_path: Path) -> None:
    """Objects that are there twice for some minutes, and a total that has just changed, are as it should be."""
    series = fleet(3) | {shard(0, "ksm_shard_objects_owned", ',resource="pods"'): "10x45 20x15"}

    assert set() == firing(series, tmp_path)


@needs_promtool
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({shard(2, "kube_state_metrics_shard_ordinal", ',shard_ordinal="1"'): "1x60"}, {"KsmShardOrdinalTwice"}),
        (
            {shard(2, "ksm_shard_map_info", ',ring="mmh3",digest="other",total="4"'): "1x60"},
            {"KsmShardMapsDisagree"},
        ),
        ({shard(1, "ksm_shard_synced", ',resource="pods"'): "0x60"}, {"KsmShardNotSynced"}),
        ({shard(1, "ksm_shard_last_event_timestamp_seconds", ',resource="pods"'): "0x60"}, {"KsmShardStale"}),
        ({shard(1, "ksm_shard_objects_owned", ',resource="pods"'): "9x60"}, {"KsmShardObjectsMissing"}),
        (
            {shard(1, "ksm_shard_render_errors_total", ',resource="pods",family="f"'): "0+1x60"},
            {"KsmShardRenderErrors"},
        ),
        ({shard(1, "ksm_shard_state", ',resource="pods",state="forbidden"'): "1x60"}, {"KsmShardForbidden"}),
        (
            {shard(1, "ksm_shard_watch_errors_total", ',resource="pods",error="gone"'): "0+60x60"},
            {"KsmShardWatchErrors"},
        ),
    ],
)
def test_each_trouble_fires_its_alert(changes: dict[str, str], expected: set[str], tmp_path: Path) -> None:
    """One thing wrong with one shard of three, one alert."""
    assert expected == firing(fleet(3) | changes, tmp_path)


@needs_promtool
def test_no_shard_at_all_fires_its_alert(tmp_path: Path) -> None:
    """Nothing to count is the worst case, not a quiet one."""
    assert {"KsmShardAbsent"} == firing({'up{job="other"}': "1x60"}, tmp_path)


@needs_promtool
def test_prometheus_takes_the_scrape_configuration(tmp_path: Path) -> None:
    """All but the discovery of pods, which Debian builds without: a static target stands for it."""
    config = yaml.safe_load((MONITORING / "scrape-config.yaml").read_text())
    for job in config["scrape_configs"]:
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
        job["static_configs"] = [{"targets": ["127.0.0.1:8080"]}]
    file = tmp_path / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))

    done = subprocess.run([str(PROMTOOL), "check", "config", str(file)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
