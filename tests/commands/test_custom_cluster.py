"""`ksm-shard custom validate --cluster`: as with directories, of what the simulator and a real API server have.

What schemas and objects say of a file is in test_custom.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ksm_shard.cli import main
from ksm_shard.commands.specimens import OBJECTS
from ksm_shard.simulator.simulator import Simulator
from tests.commands.test_custom import CRD, FILE
from tests.e2e.api import Api, Rejected
from tests.e2e.realapi import RealApi
from tests.processes import eventually

CORE = """
  - groupVersionKind: {group: "", version: v1, kind: Namespace}
    labelsFromPath: {name: [metadata, name]}
    metrics:
    - {name: created, each: {type: Gauge, gauge: {path: [metadata, creationTimestamp]}}}
"""
NAMES = {"kind": "Kettle", "plural": "kettles", "singular": "kettle", "listKind": "KettleList"}
MORE = OBJECTS + 5


def whole(crd: dict[str, Any]) -> dict[str, Any]:
    """Return a definition with what a real API server wants of it."""
    (version,) = crd["spec"]["versions"]
    spec = {**crd["spec"], "names": NAMES, "versions": [{**version, "storage": True}]}
    return {**crd, "metadata": {"name": "kettles.example.org"}, "spec": spec}


def kettle(number: int) -> dict[str, Any]:
    """Return an object; every other one has a number of litres."""
    spec: dict[str, Any] = {"litres": number} if number % 2 else {"colour": "red"}
    return {"apiVersion": "example.org/v1", "kind": "Kettle", "metadata": {"name": f"k{number:03d}"}, "spec": spec}


def fill(api: Api) -> None:
    """Put the definition and more objects than are read."""
    kettles = "/apis/example.org/v1/namespaces/default/kettles"

    def made() -> bool:
        try:
            api("POST", kettles, kettle(0))
        except Rejected:
            return False
        return True

    api("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", whole(CRD))
    eventually(made, "not served")
    for number in range(1, MORE):
        api("POST", kettles, kettle(number))


def simulated(_: Path) -> Iterator[tuple[str, str]]:
    """The simulator: the flags of one who may read everything, and of one who may not read kettles and definitions."""
    with Simulator([namespace()]) as open_, Simulator([namespace()]) as closed:
        for one in (open_, closed):
            with Api(one.url) as api:
                fill(api)
        for plural in ("kettles", "customresourcedefinitions"):
            closed.faults.add("403", plural)
        yield f"--apiserver={open_.url}", f"--apiserver={closed.url}"


def real(folder: Path) -> Iterator[tuple[str, str]]:
    """A real API server, with the same."""
    with RealApi(folder) as server:
        with server.admin() as api:
            fill(api)
        yield f"--kubeconfig={server.kubeconfig}", f"--kubeconfig={server.kubeconfig_of('viewer')}"


def namespace() -> dict[str, Any]:
    """Return the namespace that real servers have from the start."""
    metadata = {"name": "default", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


@pytest.fixture(params=[simulated, pytest.param(real, marks=pytest.mark.real)], scope="module")
def flags(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The flags that lead to each server with all rights, and with none of those that are needed."""
    yield from request.param(tmp_path_factory.mktemp("realapi"))


def validate(folder: Path, text: str, flag: str) -> int:
    """Run the command on a file of that text."""
    (folder / "file.yaml").write_text(text)
    return main(["custom", "validate", str(folder / "file.yaml"), "--cluster", flag])


def test_schemas_and_objects(flags: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Schemas are those of the cluster, metrics are tried on its first objects, and core kinds may be named."""
    assert 0 == validate(tmp_path, FILE + CORE, flags[0])
    out = capsys.readouterr().out
    (litres,) = [line.split() for line in out.splitlines() if "kube_customresource_litres" in line]
    (created,) = [line.split() for line in out.splitlines() if "kube_customresource_created" in line]

    assert 'file.yaml:8:7: warning: the label colour: there is no "color": did you mean colour?' in out
    assert f"kettles.v1.example.org: {OBJECTS} objects" in out
    assert "50%" == litres[1]
    assert "(nil" == litres[4]
    assert "0%" == created[1]


def test_never_a_sample(flags: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that the schema has not is a problem, as with --crds."""
    assert 2 == validate(tmp_path, FILE.replace("spec, litres", "spec, liters"), flags[0])
    assert 'path: there is no "liters": did you mean litres?' in capsys.readouterr().out


def test_nobody_serves_it(flags: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kind that the cluster has not is told."""
    assert 0 == validate(tmp_path, FILE.replace("Kettle", "Lid"), flags[0])
    assert "there is no definition of example.org/v1/Lid" in capsys.readouterr().out


def test_no_rights(flags: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each right that is missing is one line and an exit status of 2; all else is told."""
    assert 2 == validate(tmp_path, FILE, flags[1])
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.startswith("ksm-shard: ")]

    assert "kettles.v1.example.org: 0 objects" in out
    assert 2 == len(lines)
    assert "/apis/apiextensions.k8s.io/v1/customresourcedefinitions: 403 " in lines[0]
    assert "/apis/example.org/v1/kettles: 403 " in lines[1]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--cluster", "--crds=x"], "--cluster: leave out --crds and --objects"),
        (["--kubeconfig=x"], "--kubeconfig: needs --cluster as well"),
        (["--cluster", "--apiserver=http://127.0.0.1:1"], "refused"),
        (["--cluster", "--kubeconfig=/nowhere/x"], "/nowhere/x"),
    ],
)
def test_usage(argv: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options that do not go together, and servers that do not answer, are one line and an exit status of 2."""
    (tmp_path / "file.yaml").write_text(FILE)

    assert 2 == main(["custom", "validate", str(tmp_path / "file.yaml"), *argv])
    (line,) = capsys.readouterr().err.splitlines()
    assert text in line
