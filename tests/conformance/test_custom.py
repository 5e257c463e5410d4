"""Custom Resource State files of the reference, without a server: the file, compiled, and its objects, rendered.

Discovery, watches and flags are left out: they are run with servers.
"""

import importlib.machinery
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Served
from ksm_shard.metrics.filters import Filters
from tests.conformance.reference import CONFORMANCE
from tests.custom.rendering import Rendered

CASES = CONFORMANCE / "crs" / "cases"
NAMES = sorted(path.parent.name for path in CASES.glob("*/config.yaml"))


def module(name: str, path: Path) -> Any:
    """Import one of the scripts beside the cases."""
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    found = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def run(monkeypatch_module: pytest.MonkeyPatch) -> Any:
    """The script that holds the cases against an exporter."""
    return module("run", CONFORMANCE / "crs" / "run.py")


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:
    """No bytecode is written beside the cases."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.dont_write_bytecode", True)
        yield patch


def stored(value: Any) -> Any:
    """Return what the API server makes of a value: 1.0 becomes 1."""
    if isinstance(value, dict):
        return {key: stored(one) for key, one in value.items()}
    if isinstance(value, list):
        return [stored(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


def lines(path: Path) -> list[Any]:
    """Return the objects of a file."""
    return [json.loads(line) for line in path.read_bytes().decode().split("\n") if line.strip()]


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, run: Any) -> None:
    """What a file makes of objects is what the reference makes of them, or what is right where that is wrong."""
    case = CASES / name
    flags = (
        dict(flag.split("=", 1) for flag in (case / "flags").read_text().split()) if (case / "flags").exists() else {}
    )
    namespaces = flags.get("--namespaces", "").split(",")
    entries, problems = read((case / "config.yaml").read_bytes())
    if any(problem.fatal for problem in problems):
        assert (case / "may-exit").exists(), problems
        return
    served = [
        Served(
            spec["group"],
            version["name"],
            spec["names"]["kind"],
            spec["names"]["plural"],
            spec["scope"] == "Namespaced",
        )
        for spec in (crd["spec"] for crd in lines(case / "crds.jsonl"))
        for version in spec["versions"]
        if version["served"]
    ]
    objects = [
        stored(one)
        for one in lines(case / "objects.jsonl")
        if namespaces == [""] or one["metadata"].get("namespace", namespaces[0]) in namespaces
    ]
    rendered = Rendered(
        entries,
        served,
        objects,
        Filters(flags.get("--metric-allowlist", "").split(",") if "--metric-allowlist" in flags else ()),
    )
    wanted = [(case / file).read_bytes().decode() for file in ("right.prom", "expected.prom") if (case / file).exists()]
    if flags.get("--resources"):  # built-in families are not of this test
        wanted = ["\n".join(line for line in text.split("\n") if "kube_ingressclass" not in line) for text in wanted]
    compare = run.find_compare(None)

    assert [] == rendered.failures
    assert [] == min((run.differences(compare, text, rendered.text(), False) for text in wanted), key=len)
