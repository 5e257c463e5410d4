"""The command line as a user meets it: words, output, exit status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ksm_shard import cli
from ksm_shard.settings.commands import COMMANDS
from ksm_shard.version import version


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of whoever runs the tests are not meant."""
    monkeypatch.setattr(cli.os, "environ", {})


def test_python_m() -> None:
    """`python -m ksm_shard version` works without anything installed as a script."""
    command = [sys.executable, "-m", "ksm_shard", "version"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout.startswith(f"ksm-shard {version()}, Python {sys.version_info.major}.")


def test_no_way_to_the_api_server(tmp_path: Path) -> None:
    """The worker that finds none ends the whole process, with status 2 and one line that says why, instead of being made anew."""
    flags = [f"--kubeconfig={tmp_path}/nowhere", "--host=127.0.0.1", "--port=0", "--telemetry-host=127.0.0.1"]
    command = [sys.executable, "-m", "ksm_shard", *flags, "--telemetry-port=0"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=30
    )

    lines = [line for line in done.stderr.splitlines() if line.startswith("ksm-shard:")]
    assert (2, [f"ksm-shard: kubeconfig {tmp_path}/nowhere: no such file"]) == (done.returncode, lines)


def test_every_command_has_a_runner() -> None:
    """What help offers can be called."""
    assert [command.name for command in COMMANDS] == list(cli.RUNNERS), (
        "RUNNERS in ksm_shard/cli.py is in the order of COMMANDS"
    )


def test_validate(capsys: pytest.CaptureFixture[str]) -> None:
    """`config validate` takes run's flags and says ok, or what is not."""
    assert cli.main(["config", "validate", "--total-shards=3", "--shard=2", "--logtostderr"]) == 0
    assert capsys.readouterr().out == "ok\n"

    assert cli.main(["config", "validate", "--total-shards=3", "--shard=3"]) == 2
    assert capsys.readouterr().err == "ksm-shard: --shard: 3 must be from 0 to 2 with --total-shards=3\n"


def test_validate_reads_the_web_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file of --tls-config and those that it names are read as run reads them."""
    file = tmp_path / "web.yml"
    file.write_text("http_server_config: {headers: {X-Frame-Options: deny}}")
    assert cli.main(["config", "validate", f"--tls-config={file}"]) == 0
    assert capsys.readouterr().out == "ok\n"

    file.write_text("http_server_config: {header: {X-Frame-Options: deny}}")
    assert cli.main(["config", "validate", f"--tls-config={file}"]) == 2
    said = f"ksm-shard: --tls-config: {file}: http_server_config: header: no such key; there are http2, headers\n"
    assert said == capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["chek"], "chek: no such command; did you mean check?"),
        (["frobnicate"], "frobnicate: no such command; there are run, demo, simulate, "),
        (["config"], "config: no such command; did you mean config validate?"),
        (["completion"], "completion: give bash or zsh or fish"),
        (["completion", "tcsh"], "completion: 'tcsh' must be bash or zsh or fish"),
        (["completion", "zsh", "--now"], "completion: takes one shell, got also '--now'"),
        (["version", "--short"], "version: takes no flags, got '--short'"),
        (["help", "moving"], "moving: no such command or topic; there are run, demo, "),
        (["custom", "validate", "/nowhere.yaml"], "/nowhere.yaml: No such file or directory"),
        (["simulate", "--objects=/nowhere"], "/nowhere: No such file or directory"),
        (["config", "validate", "ksm.yaml"], "'ksm.yaml': belongs to no flag; a file is named by --config, "),
        (["--total-shard=3"], "--total-shard: no such flag; did you mean --total-shards?"),
        (
            ["config", "validate", "--custom-resource-state-config-file=/nowhere.yaml"],
            "/nowhere.yaml: cannot be read: No such file",
        ),
        (["--resources=podz"], "--resources: no such resource: 'podz'; known are "),
        (["demo", "--port=65531"], "--port: 65531 must be at most 65530 with --shards=3"),
        (["demo", "--scale", "--port=65520"], "--port: 65520 must be at most 65515 with --scale"),
        (["demo", "--scale", "--shards=10"], "--shards: 10 must be at most 9 with --scale"),
        (["plan"], "plan: give --from and --to"),
    ],
)
def test_mistakes_of_usage(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one line on standard error, before anything is started."""
    assert cli.main(words) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ksm-shard: {expected}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("flag", ["-h", "-help", "--help"])
def test_help(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help is asked for in any way, of all or of one command."""
    assert cli.main([flag]) == 0
    assert capsys.readouterr().out.startswith("Usage: ksm-shard [run] [flags]\n")

    assert cli.main(["plan", flag]) == 0
    assert capsys.readouterr().out.startswith("Usage: ksm-shard plan [flags]\n")


def test_other_ways_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    """`help`, `help COMMAND` and `--version` are what many try first."""
    for words, expected in (
        (["help"], "Usage: ksm-shard [run] [flags]\n"),
        (["help", "plan"], "Usage: ksm-shard plan [flags]\n"),
        (["help", "sharding"], "Sharding:\n"),
        (["help", "API", "server"], "API server:\n"),
        (["--version"], "ksm-shard "),
    ):
        assert cli.main(words) == 0
        assert capsys.readouterr().out.startswith(expected)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--help"], 0), (["simulate", "--help"], 0), (["completion", "bash"], 0), (["version"], 0), (["rbac"], 141),
        (["plan", "--objects=9"], 141),
    ],
)  # fmt: skip
def test_who_has_seen_enough(words: list[str], status: int) -> None:
    """A pipe that is closed, as `| head` does, is no reason for a traceback; nor does a command then say that all is well."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as closed:
        done = subprocess.run(
            [sys.executable, "-m", "ksm_shard", *words],
            cwd=Path(__file__).parents[2], stdout=closed, stderr=subprocess.PIPE, text=True, check=False, timeout=30,
        )  # fmt: skip

    assert (status, "") == (done.returncode, done.stderr)


def test_completion(capsys: pytest.CaptureFixture[str]) -> None:
    """The script goes to standard output, to be sourced."""
    assert cli.main(["completion", "bash"]) == 0
    assert capsys.readouterr().out.endswith("complete -o default -F _ksm_shard ksm-shard\n")
