"""How a real process ends: one line that says why, and an exit status that the kubelet shows."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ksm_shard.commands.run import last_words, status_of
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.web.parent import CANNOT_START, NO_MEMORY, End
from tests.e2e.test_storm import pod
from tests.processes import PATIENCE, Exporter, eventually, running

COMMAND = [
    sys.executable,
    "-m",
    "ksm_shard",
    "--host=127.0.0.1",
    "--port=0",
    "--telemetry-host=127.0.0.1",
    "--telemetry-port=0",
]
MEMORY = Path("/sys/fs/cgroup/memory")
PODS = 20_000
# Enough for a process without objects, and not for PODS.
LIMIT = 40 << 20
NEEDED = "it held 8000 objects, for which `ksm-shard plan` has 100 MB of memory, and 130 MB while they load"


@pytest.mark.parametrize(
    ("end", "for_memory", "line", "status"),
    [
        (End(0, told=True), False, "", 0),
        (End(CANNOT_START), False, "", 2),
        (End(0), False, "the worker ended by itself, with status 0", 1),
        (End(1), False, "the worker ended by itself, with status 1", 1),
        (End(-11), False, "the worker was killed by SIGSEGV", 139),
        (End(-40, told=True), False, "the worker was killed by signal 40", 168),
        (End(-9, told=True, overdue=True), False, "the worker had not stopped in time and was killed", 137),
        (End(-9), False, f"the worker was killed by SIGKILL, which nobody has said the reason of; {NEEDED}", 137),
        (End(-9, told=True), True, f"the worker was killed for memory (SIGKILL) at the limit of 41.9 MB; {NEEDED}", 137),
        (End(NO_MEMORY), False, f"the worker ended, as it was refused memory; {NEEDED}", 5),
    ],
)  # fmt: skip
def test_last_words(end: End, for_memory: bool, line: str, status: int) -> None:
    """Who was told to stop and did has nothing to say; all others say why, and do not end with 0."""
    assert (last_words(end, 8000, for_memory=for_memory, limit=LIMIT), status_of(end)) == (line, status)


def test_a_worker_that_is_killed() -> None:
    """The process ends at once, with the status of a killed one, and its last line says how."""
    with Exporter("--apiserver=http://127.0.0.1:9", "--resources=pods") as exporter:
        os.kill(exporter.worker(), signal.SIGKILL)
        assert exporter.process.wait(PATIENCE) == 137
        said = "ksm-shard: the worker was killed by SIGKILL, which nobody has said the reason of; it held 0 objects"
        eventually(lambda: any(line.startswith(said) for line in exporter.log), said, lambda: "\n".join(exporter.log))


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of this test, below that of this process, with a limit of memory."""
    own = re.search(r"^\d+:memory:(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    folder = MEMORY / (own[1].lstrip("/") if own else "") / f"ksm-shard-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(LIMIT))
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no control group can be made: {error}")
    yield folder
    folder.rmdir()


def test_killed_for_memory(group: Path) -> None:
    """The kernel kills a worker at the limit of the container: the line names the limit, and what `plan` has for what it held."""
    enter = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    with Simulator([pod(f"p{number}", "Running", 0) for number in range(PODS)]) as simulator:
        command = [*enter, *COMMAND, f"--apiserver={simulator.url}", "--resources=pods"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)

    assert done.returncode == 137, done.stderr
    line = done.stderr.splitlines()[-1]
    said = r"ksm-shard: the worker was killed for memory \(SIGKILL\) at the limit of 41\.9 MB; it held \d+ objects, for which "
    assert re.match(said + r"`ksm-shard plan` has \S+ MB of memory, and \S+ MB while they load$", line), line


def without(*mounts: str) -> list[str]:
    """Return a command that makes mounts of its own, which only root may."""
    unshare = shutil.which("unshare")
    prefix = [unshare or "unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]
    if not unshare or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mounts can be made here")
    return prefix


@pytest.mark.parametrize(
    ("prefix", "flags", "line"),
    [
        pytest.param([], ["--kubeconfig=/nowhere"], "kubeconfig /nowhere: no such file", id="no kubeconfig"),
        pytest.param([], ["--kubeconfig=/dev/null"], "kubeconfig /dev/null: ", id="an empty kubeconfig"),
        pytest.param(
            ["mount -t tmpfs -o ro none /dev/shm", "mount -t tmpfs -o ro none /var/tmp"],
            ["--apiserver=http://127.0.0.1:9"],
            "no file can be made in any of /dev/shm: Read-only file system; /nowhere: No such file or directory; /var/tmp: ",
            id="folders that are read-only",
        ),
        pytest.param(
            ["mount -t tmpfs -o nr_inodes=1 none /dev/shm", "mount -t tmpfs -o nr_inodes=1 none /var/tmp"],
            ["--apiserver=http://127.0.0.1:9"],
            "no file can be made in any of /dev/shm: No space left on device; /nowhere: No such file or directory; /var/tmp: ",
            id="folders that are full",
        ),
    ],
)  # fmt: skip
def test_what_cannot_start(prefix: list[str], flags: list[str], line: str) -> None:
    """One line, exit status 2, and no port is announced before it."""
    command = [*(without(*prefix) if prefix else []), *COMMAND, *flags]
    environment = {**os.environ, "TMPDIR": "/nowhere"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert done.stderr.startswith(f"ksm-shard: {line}")


def test_one_folder_is_enough() -> None:
    """A /dev/shm that cannot be written is no reason not to start while /tmp can."""
    prefix = without("mount -t tmpfs -o ro none /dev/shm")
    command = [*prefix, *COMMAND, "--apiserver=http://127.0.0.1:9"]
    with running(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "metrics on" in line or line.startswith("ksm-shard:"))
        process.terminate()
        assert "metrics on" in line
