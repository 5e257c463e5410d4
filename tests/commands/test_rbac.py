"""The role that `ksm-shard rbac` prints: what run needs with the same flags, and nothing else."""

from pathlib import Path

import pytest
import yaml

from ksm_shard.commands.rbac import rbac
from ksm_shard.settings import parse
from ksm_shard.simulator.simulator import Simulator
from tests.e2e.test_custom import ENTRY, POTS, crd


def rules(capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, list[str]]:
    """Return the plurals of each group."""
    assert 0 == rbac(parse(flags, {}))
    role = yaml.safe_load(capsys.readouterr().out)
    assert all(rule["verbs"] == ["list", "watch"] for rule in role["rules"])
    return {rule["apiGroups"][0]: rule["resources"] for rule in role["rules"]}


def test_built_in(capsys: pytest.CaptureFixture[str]) -> None:
    """Resources that are off are not in it, nor those of which no family is on; no API server is asked."""
    flags = "--resources=pods,deployments,secrets", "--metric-denylist=^kube_secret_"

    assert {"": ["pods"], "apps": ["deployments"]} == rules(capsys, *flags)


def test_namespaces(capsys: pytest.CaptureFixture[str]) -> None:
    """What lives in namespaces is read by a Role in each; a pod follows its fleet, and a filter asks for reviews."""
    flags = "--resources=pods,nodes", "--namespaces=a,b", "--pod=x-0", "--pod-namespace=b", "--auth-filter"
    assert 0 == rbac(parse(flags, {}))
    found = {
        (role["kind"], role["metadata"].get("namespace")): [
            (rule["apiGroups"][0], rule["resources"], rule["verbs"]) for rule in role["rules"]
        ]
        for role in yaml.safe_load_all(capsys.readouterr().out)
    }

    pods = ("", ["pods"], ["list", "watch"])
    assert found == {
        ("ClusterRole", None): [
            ("", ["nodes"], ["list", "watch"]),
            ("authentication.k8s.io", ["tokenreviews"], ["create"]),
            ("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
        ],
        ("Role", "a"): [pods],
        ("Role", "b"): [
            pods,
            ("", ["pods"], ["get", "list", "watch"]),
            ("apps", ["statefulsets"], ["get", "list", "watch"]),
        ],
    }


def test_custom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Custom resources are in it by the plural that the API server says, with their definitions; others are told."""
    path = tmp_path / "crs.yaml"
    path.write_text(POTS + ENTRY % ("Lid", "lid"))
    with Simulator([crd("Pot", "v1", "v2")]) as simulator:
        flags = (
            f"--apiserver={simulator.url}",
            f"--custom-resource-state-config-file={path}",
            "--custom-resource-state-only",
        )
        found = rules(capsys, *flags)
        rbac(parse(flags, {}))

    assert {"apiextensions.k8s.io": ["customresourcedefinitions"], "example.org": ["pots"]} == found
    assert capsys.readouterr().out.startswith("# not served, and not in here: example.org/*/Lid\n")


def test_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an API server there is no role, but a line and status 2; with a bad file as well."""
    path = tmp_path / "crs.yaml"
    for text in (POTS, "spec: 5"):
        path.write_text(text)
        flags = "--apiserver=http://127.0.0.1:1", f"--custom-resource-state-config-file={path}"
        assert 2 == rbac(parse(flags, {}))
        out, err = capsys.readouterr()
        assert "" == out
        assert err.startswith("ksm-shard: ")
