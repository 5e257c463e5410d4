"""`ksm-shard simulate` as a process: one line when it serves, one line for a bad file, and an end in order."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIMULATE = [sys.executable, "-m", "ksm_shard", "simulate"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_told_to_stop(tmp_path: Path, how: signal.Signals) -> None:
    """`ready URL`, the files' objects beside the made-up ones, and status 0 in the end."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "mine"}}
    tmp_path.joinpath("a.jsonl").write_text(json.dumps(node) + "\n\n", encoding="utf-8")
    tmp_path.joinpath("b.yaml").write_text("{apiVersion: v1, kind: Node, metadata: {name: b}}\n---\n", encoding="utf-8")
    items = {"apiVersion": "v1", "kind": "NodeList", "items": [node | {"metadata": {"name": "c"}}]}
    tmp_path.joinpath("c.json").write_text(json.dumps(items), encoding="utf-8")
    command = [*SIMULATE, f"--objects={tmp_path}", "--pods=5", "--churn=20"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, url = process.stdout.readline().split()
            with urllib.request.urlopen(f"{url}/api/v1/nodes", timeout=20) as answer:
                nodes = [each["metadata"]["name"] for each in json.load(answer)["items"]]
            process.send_signal(how)

            assert (word, nodes) == ("ready", ["b", "c", "mine", "node-0000"])
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", '{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"}}\n{"a":\n', "a.jsonl:2: no JSON: "),
        ("a.jsonl", "[]\n", "a.jsonl:1: expected an object with apiVersion and kind"),
        ("a.jsonl", '{"apiVersion":"v1","kind":"Node"}\n', "a.jsonl:1: expected an object with apiVersion, kind and"),
        ("a.jsonl", '\n{"apiVersion":"v1","kind":"NodeList"}\n', "a.jsonl:2: expected a list of items"),
        ("a.json", "{", "a.json: no JSON: "),
        ("a.yaml", "a: [b", "a.yaml: while parsing a flow sequence"),
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
