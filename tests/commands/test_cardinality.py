"""`ksm-shard cardinality` as a user meets it, with recorded scrapes. Running exporters are in tests/e2e/test_switch.py."""

import json
from pathlib import Path

import pytest
import yaml

from ksm_shard import cli

SCRAPE = """\
# TYPE kube_pod_info gauge
kube_pod_info{namespace="a",pod="x",node="n"} 1
kube_pod_info{namespace="b",pod="y",node="m"} 1
# TYPE kube_pod_owner gauge
kube_pod_owner{namespace="a",pod="x",owner_name="o"} 1
# TYPE kube_node_info gauge
kube_node_info{node="n"} 1
# TYPE kube_job_failed gauge
"""
DASHBOARD = {"title": "D", "panels": [{"title": "P", "targets": [{"expr": "sum by (namespace) (kube_pod_info)"}]}]}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a scrape, a dashboard and rules."""
    monkeypatch.chdir(tmp_path)
    Path("scrape").write_text(SCRAPE)
    Path("empty").write_text("# TYPE kube_job_failed gauge\n")
    Path("d.json").write_text(json.dumps(DASHBOARD))
    Path("r.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "kube_job_failed"}]}]})
    )


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the output of a run that succeeds."""
    assert cli.main(["cardinality", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """Families, labels and namespaces with the largest first, what is unused, and the flags for it."""
    lines = run(capsys, "--url", "scrape", "--rules", "r.yaml", "--dashboards", "d.json").splitlines()

    assert lines[1].split() == ["kube_pod_info", "2", "96", "B", "0", "used", "by", "1"]
    assert "kube_node_info        1   27 B      0  unused" in lines
    assert "namespace        3   42 B      0  2 values" in lines
    assert "pod              3   24 B      0  2 values, unused" in lines
    assert lines[-5:] == [
        "all: 4 series, 178 B in 4 families, 0 new series an hour",
        "unused: 2 series, 82 B (50%) in 2 families, by 2 expressions",
        "these flags leave that out:",
        "    --resources=jobs,pods",
        "    --metric-denylist='^kube_pod_owner$'",
    ]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that the tables have, with all rows and who uses what."""
    found = json.loads(run(capsys, "--url=scrape", "--dashboards=d.json", "--output=json"))

    assert {"series": 4, "bytes": 178, "new_series_per_hour": 0.0}.items() <= found.items()
    first = {"name": "kube_pod_info", "resource": "pods", "series": 2, "bytes": 96, "new_series_per_hour": 0.0}
    assert {**first, "used_by": ["d.json: D / P"]} == found["families"][0]
    assert ["kube_pod_owner", "kube_node_info", "kube_job_failed"] == found["unused"]["families"]
    assert {"a": 2, "b": 1, "": 1} == {one["name"]: one["series"] for one in found["namespaces"]}
    assert ["namespace"] == [one["name"] for one in found["labels"] if one["used"]]
    assert ["--resources=pods", "--metric-denylist='^kube_pod_owner$'"] == found["flags"]


def test_without_rules_nothing_is_called_unused(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody was asked who uses it."""
    out = run(capsys, "--url", "scrape")

    assert "used" not in out
    assert out.endswith("all: 4 series, 178 B in 4 families, 0 new series an hour\n")
    found = json.loads(run(capsys, "--url=scrape", "--output=json"))
    assert ([], []) == (found["unused"]["families"], found["flags"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "cardinality: give --url: the URLs of the exporter, or files with its scrapes"),
        (["--url=scrape", "--wait=1s"], "--wait: a file is the same whenever it is read; give URLs"),
        (["--url=scrape", "--output=yaml"], "--output: 'yaml' must be table or json"),
        (["--url=empty"], "--url: there is no series in its scrapes"),
        (["--url=r.yaml"], "r.yaml:1: not a sample of the text format: 'groups:'"),
    ],
)
def test_mistakes(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one line."""
    assert cli.main(["cardinality", *words]) == 2

    assert f"ksm-shard: {expected}\n" == capsys.readouterr().err
