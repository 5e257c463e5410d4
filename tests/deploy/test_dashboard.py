"""A panel tells the cluster's samples from the exporter's own, whatever the two jobs are called.

That all panels show something is tried with a real Prometheus, in tests/e2e/test_prometheus.py.
"""

import json
from pathlib import Path

import pytest

from tests.deploy.promtool import PROMTOOL, RULES, TELEMETRY, promtool, series

DASHBOARD = RULES.parent / "dashboard.json"
TITLE = "Series by shard, as Prometheus takes them"
SAMPLES, OWN = 5000, 70


def query(job: str) -> str:
    """Return what the panel asks, with the variables filled in."""
    (panel,) = [one for one in json.loads(DASHBOARD.read_text())["panels"] if one["title"] == TITLE]
    text: str = panel["targets"][0]["expr"]
    return text.replace("$cluster", ".*").replace("$namespace", ".*").replace("$job", job)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(
    ("cluster", "own"), [("ksm-shard", TELEMETRY), ("kube-state-metrics", TELEMETRY), ("kube-state-metrics",) * 2]
)
def test_samples_of_the_cluster_by_shard(tmp_path: Path, cluster: str, own: str) -> None:
    """Each shard shows once, with what the scrape of its main port has."""
    told = {}
    for number in range(3):
        shard = f"ksm-shard-{number}"
        telemetry = {"job": own, "namespace": "monitoring", "instance": shard}
        told[series("ksm_shard_map_info", telemetry)] = "1"
        told[series("scrape_samples_scraped", telemetry)] = f"{OWN}"
        told[series("scrape_samples_scraped", {"job": cluster, "instance": shard})] = f"{SAMPLES + number}"
    told[series("scrape_samples_scraped", {"job": cluster, "instance": "10.0.0.7:8080"})] = "9"
    expected = [
        {"labels": series("", {"instance": f"ksm-shard-{number}"}), "value": SAMPLES + number} for number in range(3)
    ]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in told.items()],
        "promql_expr_test": [{"expr": query(own), "eval_time": "0m", "exp_samples": expected}],
    }
    (tmp_path / "test.json").write_text(json.dumps({"tests": [case]}))

    promtool("test", "rules", tmp_path / "test.json")
