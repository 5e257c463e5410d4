"""`ksm-shard simulate` as a process: one line when it serves, one line for a bad file, and an end in order."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from ksm_shard.simulator import Simulator
from ksm_shard.simulator.objectfiles import read

ROOT = Path(__file__).parents[2]
SIMULATE = [sys.executable, "-m", "ksm_shard", "simulate"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_told_to_stop(tmp_path: Path, how: signal.Signals) -> None:
    """`ready URL`, the files' objects beside the made-up ones, and status 0 in the end."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "mine"}}
    tmp_path.joinpath("a.jsonl").write_text(json.dumps(node) + "\n\n", encoding="utf-8")
    tmp_path.joinpath("b.yaml").write_text("{apiVersion: v1, kind: Node, metadata: {name: b}}\n---\n", encoding="utf-8")
    items = {
        "apiVersion": "v1",
        "kind": "NodeList",
        "items": [node | {"metadata": {"name": "c"}}, {"metadata": {"name": "d"}}],
    }
    tmp_path.joinpath("c.json").write_text(json.dumps(items), encoding="utf-8")
    command = [*SIMULATE, f"--objects={tmp_path}", "--pods=5", "--churn=20"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, url = process.stdout.readline().split()
            with urllib.request.urlopen(f"{url}/api/v1/nodes", timeout=20) as answer:
                nodes = [each["metadata"]["name"] for each in json.load(answer)["items"]]
            process.send_signal(how)

            assert (word, nodes) == ("ready", ["b", "c", "d", "mine", "node-0000"])
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]}, [("v1", "Pod")]),
        ({"kind": "EndpointsList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]}, [("v1", "Endpoints")]),
        (
            {
                "kind": "List",
                "apiVersion": "v1",
                "items": [{"kind": "Job", "apiVersion": "batch/v1"}, {"kind": "Pod", "apiVersion": "v1"}],
            },
            [("batch/v1", "Job"), ("v1", "Pod")],
        ),
        ({"kind": "AllowList", "apiVersion": "e.com/v1", "metadata": {"name": "a"}}, [("e.com/v1", "AllowList")]),
    ],
)
def test_lists(tmp_path: Path, value: dict[str, object], found: list[tuple[str | None, str]]) -> None:
    """What the API server or `oc adm inspect` wrote says its kind once for all items; `kubectl get` says it for each."""
    tmp_path.joinpath("a.json").write_text(json.dumps(value), encoding="utf-8")

    assert [(item.get("apiVersion"), item["kind"]) for _, item in read(tmp_path)] == found


def test_times_in_yaml(tmp_path: Path) -> None:
    """A time without quotes is a text, and the object is served in every form."""
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: b, creationTimestamp: 2026-03-01T10:00:00Z}\n"
    tmp_path.joinpath("a.yaml").write_text(text, encoding="utf-8")

    ((_, item),) = read(tmp_path)
    with Simulator([item]) as simulator:
        ask = urllib.request.Request(
            f"{simulator.url}/api/v1/namespaces", headers={"Accept": "application/vnd.kubernetes.protobuf"}
        )
        with urllib.request.urlopen(ask, timeout=20) as answer:
            body = answer.read()

    assert item["metadata"]["creationTimestamp"] == "2026-03-01T10:00:00Z"
    assert body[:4] == b"k8s\0"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", '{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}\n{"a":\n', "a.jsonl:2: no JSON: "),
        ("a.jsonl", "[]\n", "a.jsonl:1: expected an object with apiVersion and kind"),
        ("a.jsonl", '{"apiVersion":"v1","kind":"Node"}\n', "a.jsonl:1: expected an object with apiVersion, kind and"),
        ("a.jsonl", '\n{"apiVersion":"v1","kind":"NodeList"}\n', "a.jsonl:2: expected a list of items"),
        ("a.json", "{", "a.json: no JSON: "),
        ("a.yaml", "a: [b", "a.yaml: is not YAML: line 1, column 6: expected ',' or ']', but got"),
        ("a.txt", "", ": expected files *.jsonl, *.json or *.yaml in there"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, text: str, expected: str) -> None:
    """The file and its line are named, in one line, and the status is 2."""
    tmp_path.joinpath(name).write_text(text, encoding="utf-8")
    command = [*SIMULATE, f"--objects={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)

    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("ksm-shard: ")
    assert expected in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", b"[" * 100_000, "a.json: is nested too deeply"),
        ("a.yaml", b"[" * 3000, "a.yaml: is nested too deeply"),
        ("a.yaml", b"a: &a [*a]", "a.yaml: is nested too deeply"),
        ("a.json", b"\xff", "a.json: is not UTF-8: invalid start byte at byte 0"),
        ("a.json", b'{"kind": 5, "apiVersion": "v1"}', "a.json: expected an object with apiVersion and kind"),
        ("a.json", b'{"kind": "List", "apiVersion": "v1", "items": [5]}', "a.json: expected an object with"),
        (
            "a.json",
            b'{"kind": "List", "apiVersion": "v1", "items": [{"kind": "Pod"}]}',
            "a.json: expected an object with",
        ),
    ],
)
def test_objects_that_are_none(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    """Whoever reads the directory, `custom validate` as well, gets the file's name."""
    tmp_path.joinpath(name).write_bytes(content)

    with pytest.raises(ValueError, match=f"^{tmp_path}/{expected}"):
        list(read(tmp_path))
