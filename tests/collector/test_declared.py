"""The file of Custom Resource State that is in force: when it changes, and when it does not."""

from pathlib import Path

import pytest

from ksm_shard.collector.declared import Declared, InvalidFileError

ENTRY = """
  - groupVersionKind: {group: example.org, version: v1, kind: %s}
    metrics: [{name: litres, each: {type: Gauge, gauge: {path: [spec, litres]}}}]
"""
GOOD = "spec:\n  resources:" + ENTRY % "Pot"


def write(path: Path, text: str) -> None:
    """Replace the file, as an editor does."""
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


def test_changed(tmp_path: Path) -> None:
    """Other contents bring other entries; the same entries on other lines, or the same contents again, bring nothing."""
    path = tmp_path / "crs.yaml"
    path.write_text(GOOD)
    declared = Declared(str(path))
    hashes = {declared.status().hash}

    assert not declared.changed()
    write(path, "# a line more\n" + GOOD)
    assert not declared.changed()
    hashes.add(declared.status().hash)
    write(path, GOOD + ENTRY % "Pan")
    assert declared.changed()
    hashes.add(declared.status().hash)

    assert ["Pot", "Pan"] == [entry.kind for entry in declared.entries]
    assert 3 == len(hashes)


@pytest.mark.parametrize("bad", ["spec: {resources: [{metrics: 5}]}", "a: [", ""])
def test_bad_file_changes_nothing(tmp_path: Path, bad: str) -> None:
    """It is told with its place, once, and the former entries stay, until the file is good again."""
    path = tmp_path / "crs.yaml"
    path.write_text(GOOD)
    declared = Declared(str(path))
    write(path, bad)

    assert not declared.changed()
    assert declared.status().problem.startswith(f"{path}:")
    assert 1 == declared.status().entries
    write(path, GOOD)
    assert not declared.changed()
    assert "" == declared.status().problem


def test_missing(tmp_path: Path) -> None:
    """A file that is not there is an error at the start, or waited for; one that goes leaves its entries in force."""
    path = tmp_path / "crs.yaml"
    with pytest.raises(InvalidFileError, match="cannot be read: No such file"):
        Declared(str(path))
    declared = Declared(str(path), may_be_missing=True)
    assert "No such file" in declared.status().problem
    assert not declared.changed()
    path.write_text(GOOD)
    assert declared.changed()
    path.unlink()
    assert not declared.changed()

    assert 1 == len(declared.entries)
    assert "No such file" in declared.status().problem


def test_mounted(tmp_path: Path) -> None:
    """A mounted ConfigMap is a link to a link to a folder, which the kubelet swaps."""
    for name, text in (("one", GOOD), ("two", GOOD + ENTRY % "Pan")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "crs.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "crs.yaml").symlink_to("..data/crs.yaml")
    declared = Declared(str(tmp_path / "crs.yaml"))
    (tmp_path / "tmp").symlink_to("two")
    (tmp_path / "tmp").replace(tmp_path / "..data")

    assert declared.changed()
    assert 2 == len(declared.entries)


def test_inline(tmp_path: Path) -> None:
    """A text wins over a file, and does not change."""
    declared = Declared(str(tmp_path / "none"), GOOD)

    assert not declared.changed()
    assert ("--custom-resource-state-config", 1) == (declared.status().name, declared.status().entries)
    with pytest.raises(InvalidFileError, match=r"^--custom-resource-state-config:1:"):
        Declared("", "5")
