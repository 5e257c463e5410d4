"""Helm and kustomize, and what they make of deploy/.

Both are Go modules, of which an installed Go builds a pinned version by name: once, into the user's cache.
"""

import fcntl
import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
CHART: Final = DEPLOY / "chart/ksm-shard"
VALUES: Final = Path(__file__).parent / "values"
# Versions that Go 1.26 builds.
MODULES: Final = {
    "helm": "helm.sh/helm/v4/cmd/helm@v4.3.1",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1",
}
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ksm-shard"
# Seconds: Helm took 230 on two busy cores.
BUILD: Final = 900
RENDER: Final = 60
RELEASE, NAMESPACE = "ksm-shard", "monitoring"

Object = dict[str, Any]


class NotRenderedError(Exception):
    """Helm refused; the text is its line."""


def render(*files: str, chart: Path = CHART, release: str = RELEASE, **values: Any) -> list[Object]:
    """Return the objects of the chart.

    Args:
        files: names in tests/deploy/values, without .yaml.
        chart: another one, that has it as a part.
        release: name of the release.
        values: further values, by key at the top.

    Raises:
        NotRenderedError: the values are refused.
    """
    done = _helm("template", release, chart, f"--namespace={NAMESPACE}", *_values(files, values))
    return [one for one in yaml.safe_load_all(done) if one]


def notes(**values: Any) -> str:
    """Return what the user reads after an installation."""
    done = _helm("install", RELEASE, CHART, f"--namespace={NAMESPACE}", "--dry-run=client", *_values((), values))
    return done.partition("NOTES:\n")[2]


def release(verb: str, kubeconfig: Path, *arguments: str | Path, **values: Any) -> None:
    """Install, upgrade or uninstall a release.

    Raises:
        NotRenderedError: Helm or the API server refuses.
    """
    where = f"--namespace={NAMESPACE}", f"--kubeconfig={kubeconfig}", "--timeout=30s"
    _helm(verb, RELEASE, *arguments, *where, *_values((), values))


def lint(file: str) -> str:
    """Return what `helm lint` says of the chart with the values of a file.

    Raises:
        NotRenderedError: it finds something.
    """
    return _helm("lint", "--strict", CHART, *_values((file,), {}))


def build(folder: Path) -> list[Object]:
    """Return the objects of a kustomization."""
    command = [_program("kustomize"), "build", "--load-restrictor=LoadRestrictionsNone", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RENDER, check=True)
    return list(yaml.safe_load_all(done.stdout))


def named(objects: list[Object]) -> dict[tuple[str, str], Object]:
    """Return objects by kind and name."""
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def only(objects: list[Object], kind: str) -> Object:
    """Return the one object of a kind."""
    (found,) = [one for one in objects if one["kind"] == kind]
    return found


def container(objects: list[Object]) -> Object:
    """Return the exporter's container of the StatefulSet."""
    found: Object = only(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    return found


def _values(files: tuple[str, ...], values: Mapping[str, Any]) -> list[str]:
    given = [f"--values={VALUES / name}.yaml" for name in files]
    return given + [f"--set-json={name}={json.dumps(value)}" for name, value in values.items()]


def _helm(*arguments: str | Path) -> str:
    done = subprocess.run([_program("helm"), *arguments], capture_output=True, text=True, timeout=RENDER, check=False)
    if done.returncode:
        raise NotRenderedError(done.stderr + done.stdout)
    return done.stdout


@functools.cache
def _program(name: str) -> Path:
    """Return the program, built if it is not there yet; skip the test where it cannot be."""
    module = MODULES[name]
    folder = CACHE / f"{name}-{module.partition('@')[2]}"
    folder.mkdir(parents=True, exist_ok=True)
    # Of several processes that run tests one builds, and the others wait for it.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = folder / name
        if not program.exists():
            go = shutil.which("go")
            if go is None:
                pytest.skip(f"Go is not installed, which builds {module}")
            environment = {**os.environ, "GOBIN": str(folder / "new")}
            done = subprocess.run(
                [go, "install", module], env=environment, capture_output=True, text=True, timeout=BUILD, check=False
            )
            if done.returncode:
                pytest.skip(f"go install {module}: {done.stderr.strip().splitlines()[-1]}")
            (folder / "new" / name).rename(program)
    return program
