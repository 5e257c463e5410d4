"""`ksm-shard compare` as a user meets it, with recorded scrapes. Real exporters are in tests/e2e/test_switch.py."""

import gzip
from pathlib import Path

import pytest
import yaml

from ksm_shard import cli

OLD = """\
# TYPE kube_pod_info gauge
kube_pod_info{namespace="a",pod="x",node="n"} 1
kube_pod_info{namespace="a",pod="y",node="m"} 1
# TYPE kube_pod_labels gauge
kube_pod_labels{namespace="a",pod="x",label_team="blue"} 1
# TYPE kube_job_failed gauge
# TYPE kube_node_info gauge
kube_node_info{node="n"} 1
"""
RULES = [
    {"record": "nodes:sum", "expr": "count(kube_node_info)"},
    {"alert": "NoNodes", "expr": "nodes:sum < 1"},
    {"alert": "JobFailed", "expr": "kube_job_failed > 0"},
    {"alert": "Team", "expr": "kube_pod_labels", "annotations": {"text": "{{ $labels.label_team }}"}},
    {"alert": "Pods", "expr": "sum by (node) (kube_pod_info) > 100"},
    {"alert": "Odd", "expr": "sum("},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the scrape of the old side and rules."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").write_text(OLD)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": RULES}]}))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], str]:
    """Return the exit status, the lines of output, and the errors."""
    status = cli.main(["compare", *words])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err


def test_nothing_is_lost(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fleet of recorded scrapes, compressed or not, adds up to the old one."""
    lines = OLD.splitlines(keepends=True)
    (folder / "one").write_text("".join(lines[:2]))
    (folder / "two.gz").write_bytes(gzip.compress("".join(lines[2:]).encode()))

    status, out, err = run(capsys, "--old", "old", "--new", "one", "two.gz", "--rules", "rules.yaml")

    assert (0, "") == (status, err)
    assert "kube_pod_info      2    2  equal" in out
    assert "kube_job_failed    0    0  equal" in out
    assert "0 of 6 expressions are affected" in out
    assert "nothing is lost: 4 of 4 families are equal, and 0 series differ without a loss" == out[-1]


def test_each_loss_is_told_with_who_uses_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Families, series, labels, and alerts that use them through a recording rule."""
    (folder / "new").write_text(
        '# TYPE kube_pod_info gauge\nkube_pod_info{namespace="a",pod="x",node="n"} 1\n'
        '# TYPE kube_pod_labels gauge\nkube_pod_labels{namespace="a",pod="x"} 1\n'
    )

    status, out, _ = run(capsys, "--old=old", "--new=new", "--rules=rules.yaml")

    assert status == 1
    assert "kube_pod_info      2    1  1 missing" in out
    assert "kube_pod_labels    1    1  1 missing, 1 surplus" in out
    assert "kube_job_failed    0    -  missing" in out
    assert "kube_node_info: 1 missing: the new side exports no nodes" in out
    assert '    kube_pod_info{namespace="a",node="m",pod="y"} 1.0' in out
    affected = {
        line.split(": ", 3)[2].rpartition("/ ")[2]: line.split(": ", 3)[3] for line in out if "affected: " in line
    }
    assert {
        "nodes:sum": "uses kube_node_info, which would not be there",
        "NoNodes": "uses nodes:sum, which a rule above records",
        "JobFailed": "uses kube_job_failed, which would not be there",
        "Team": "uses kube_pod_labels, of which 1 of 1 series would be lost or false",
        "Pods": "uses kube_pod_info, of which 1 of 2 series would be lost or false",
    } == affected
    assert "note: rules.yaml: g / Odd: cannot be read: a bracket is never closed" in out
    assert "lost: 3 series of 4 families; 0 of 4 families are equal" == out[-1]


def test_a_label_may_be_lost_without_a_loss_of_series(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is withheld on purpose matters to who reads it."""
    withheld = "annotation_kubectl_kubernetes_io_last_applied_configuration"
    (folder / "old").write_text(f'kube_secret_annotations{{secret="a",{withheld}="x"}} 1\n')
    (folder / "new").write_text('kube_secret_annotations{secret="a"} 1\n')
    (folder / "r").write_text(
        f"groups: [{{name: g, rules: [{{alert: A, expr: count by ({withheld}) (kube_secret_annotations)}}]}}]"
    )

    assert 0 == run(capsys, "--old=old", "--new=new")[0]
    status, out, _ = run(capsys, "--old=old", "--new=new", "--rules=r")

    assert status == 1
    assert f"affected: r: g / A: uses {withheld} of kube_secret_annotations, which would not be there" in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--old=old"], "compare: give --new: the URLs or files of that side"),
        ([], "compare: give --old and --new: the URLs or files of that side"),
        (["--old=nowhere", "--new=old"], "nowhere: No such file or directory"),
        (["--old=rules.yaml", "--new=old"], "rules.yaml:1: not a sample of the text format: 'groups:'"),
        (["--old=old", "--new=empty"], "--new: there is no series in its scrapes"),
        (["--old=old", "--new=cut.gz"], "cut.gz: Compressed file ended before the end-of-stream marker was reached"),
        (["--old=old", "--new=http://127.0.0.1:1"], "http://127.0.0.1:1/metrics: Connection refused"),
        (["--old=old", "--new=old", "--rules=old"], "old:5: is not YAML: did not find expected <document start>"),
        (["--old=old", "--new=old", "--dashboards=rules.yaml"], "rules.yaml: has no dashboard of Grafana"),
        (["--old=old", "--new=old", "--prometheus=prom"], "--prometheus: 'prom' must be a URL"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(
    words: list[str], expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2 and one line that names the source: nobody takes that for a loss or for none."""
    (folder / "empty").write_text("")
    (folder / "cut.gz").write_bytes(gzip.compress(OLD.encode())[:-20])

    status, out, err = run(capsys, *words)

    assert (2, []) == (status, out)
    assert err.startswith(f"ksm-shard: {expected}")
    assert err.count("\n") == 1
