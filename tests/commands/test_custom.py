"""`ksm-shard custom validate`, as it is typed: what is printed and the exit status."""

import json
from pathlib import Path

import pytest

from ksm_shard.cli import main

FILE = """
spec:
  resources:
  - groupVersionKind: {group: example.org, version: v1, kind: Kettle}
    labelsFromPath: {name: [metadata, name], namespace: [metadata, namespace]}
    metrics:
    - {name: litres, each: {type: Gauge, gauge: {path: [spec, litres]}}}
    - {name: info, each: {type: Info, info: {path: [spec], labelsFromPath: {colour: [color]}}}}
"""
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"kind": "Kettle", "plural": "kettles"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "properties": {"litres": {"type": "number"}, "colour": {"type": "string"}}}},
                    }
                },
            }
        ],
    },
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a file, the definition of its kind, and two objects."""
    (tmp_path / "file.yaml").write_text(FILE)
    for name in ("crds", "objects"):
        (tmp_path / name).mkdir()
    (tmp_path / "crds" / "kettles.json").write_text(json.dumps(CRD))
    kettles = [
        {"apiVersion": "example.org/v1", "kind": "Kettle", "metadata": {"name": name}, "spec": spec}
        for name, spec in (("a", {"litres": 2}), ("b", {"litres": "much"}))
    ]
    (tmp_path / "objects" / "kettles.jsonl").write_text("\n".join(map(json.dumps, kettles)))
    return tmp_path


def validate(folder: Path, *more: str) -> int:
    """Run the command on the file of a directory."""
    return main(["custom", "validate", str(folder / "file.yaml"), *more])


def test_fine(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that can be read is ok; what its schema would say is not known without."""
    assert 0 == validate(folder)
    assert f"{folder}/file.yaml: ok, 0 warnings, 1 entries, 2 metrics\n" == capsys.readouterr().out


def test_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A problem is told with its place and is an exit status of 2, a key that would be passed over included."""
    (folder / "file.yaml").write_text(FILE.replace("labelsFromPath: {name", "labelFromPath: {name"))

    assert 2 == validate(folder)
    out = capsys.readouterr().out
    assert (
        f'{folder}/file.yaml:5:5: "labelFromPath" is not known in an entry of resources and ignored: did you mean labelsFromPath?\n'
        in out
    )
    assert f"{folder}/file.yaml:7:7: warning: no label tells objects apart" in out


def test_against_definitions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Held against the definitions, a label that can never be is told."""
    assert 0 == validate(folder, f"--crds={folder}/crds")
    assert (
        'file.yaml:8:7: warning: the label colour: there is no "color": did you mean colour?' in capsys.readouterr().out
    )

    (folder / "file.yaml").write_text(FILE.replace("spec, litres", "spec, liters"))
    assert 2 == validate(folder, f"--crds={folder}/crds")
    assert 'file.yaml:7:7: path: there is no "liters": did you mean litres?' in capsys.readouterr().out


def test_objects(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For objects, it shows what each metric makes of them and of how many it makes nothing, and why."""
    assert 0 == validate(folder, "--objects", str(folder / "objects"))
    out = capsys.readouterr().out
    (litres,) = [line.split() for line in out.splitlines() if "kube_customresource_litres" in line]
    (info,) = [line.split() for line in out.splitlines() if "kube_customresource_info" in line]

    assert "kettles.v1.example.org: 2 objects" in out
    assert ["1", "50%", "kube_customresource_litres", "(not_a_number", "1)"] == [*litres[:2], *litres[3:]]
    assert ["0", "100%", "kube_customresource_info"] == [*info[:2], *info[3:]]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["custom", "validate"], "give the file to check"),
        (["custom"], "did you mean custom validate?"),
        (["custom", "validate", "/nowhere/x"], "/nowhere/x"),
        (["custom", "validate", "x", "--crds=/nowhere/x"], "/nowhere/x"),
    ],
)
def test_usage(argv: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be done is one line, and an exit status of 2."""
    assert 2 == main(argv)
    assert text in capsys.readouterr().err
