"""The Dockerfile's steps install a program that starts, tried in a clean virtual environment.

Docker itself is not needed, and not tried: not the base image, nor the user. The steps are taken from the file.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
# Folders that the steps name.
TARGET, BUILD = "/opt/ksm-shard", "/build"

IMPORT_ALL = """
from importlib import import_module
from pkgutil import walk_packages
import ksm_shard
for module in walk_packages(ksm_shard.__path__, "ksm_shard."):
    if module.name != "ksm_shard.__main__":
        import_module(module.name)
"""


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions and their arguments, in order."""
    text = re.sub(r"(?m)^#.*\n", "", DOCKERFILE.read_text()).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def test_its_base_is_one_image_that_cannot_change() -> None:
    """Both stages are from the same image, named by its digest: the same build is from the same bytes next year."""
    arguments = dict(argument.split("=", 1) for name, argument in instructions() if name == "ARG")
    bases = {argument.split()[0] for name, argument in instructions() if name == "FROM"}

    assert bases == {"${PYTHON_IMAGE}"}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", arguments["PYTHON_IMAGE"])


@pytest.mark.slow
def test_its_steps_install_a_program_that_starts(tmp_path: Path) -> None:
    """COPY and RUN, done in a folder, install the entry point, what all modules import, and all data files."""
    source, build, target = tmp_path / "src", tmp_path / "build", tmp_path / "ksm-shard"
    source.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environ["PATH"] = f"{target / 'bin'}:{Path(sys.executable).parent}:{environ['PATH']}"

    def run(command: str) -> str:
        return subprocess.check_output(["/bin/sh", "-ec", command], cwd=source, env=environ, text=True)

    for name, argument in instructions():
        if name == "COPY" and not argument.startswith("--from"):
            *files, into = argument.split()
            for file in files:
                copy(ROOT / file, source / into / (file if into == "./" else ""))
        elif name == "RUN":
            run(argument.replace(TARGET, str(target)).replace(BUILD, str(build)))
    shutil.rmtree(source)
    source.mkdir()
    installed = Path(run("python -c 'import ksm_shard; print(ksm_shard.__path__[0])'").strip())

    assert run(f"{entry_point()} version").startswith("ksm-shard ")
    # What the last stage copies besides is a program that may lie anywhere.
    former = shutil.copy(alias().replace(TARGET, str(target)), tmp_path / "kube-state-metrics")
    assert run(f"{former} --version").startswith("ksm-shard ")
    assert installed.is_relative_to(target)
    assert data_files(ROOT / "ksm_shard") == data_files(installed)
    run(f"python -c '{IMPORT_ALL}'")


def alias() -> str:
    """Return the file of the build that the image has as /kube-state-metrics."""
    (found,) = [
        argument.split()[1]
        for name, argument in instructions()
        if name == "COPY" and argument.endswith(" /kube-state-metrics")
    ]
    return found


def copy(origin: Path, target: Path) -> None:
    """Copy a file or a folder, as COPY does, without what .dockerignore leaves out."""
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy(origin, target)


def data_files(package: Path) -> set[str]:
    """Return what lies in a package besides modules."""
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"})
    return {str(path.relative_to(package)) for path in files}


def entry_point() -> str:
    """Return the program that the image starts."""
    argument = dict(instructions())["ENTRYPOINT"]
    return shlex.split(argument.strip("[]"))[0]
