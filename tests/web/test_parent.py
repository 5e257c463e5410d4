"""The parent and its one worker: what every signal does to either, and what is known of a worker that was killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ksm_shard.web.parent import FAULTS, NO_MEMORY, STOPPING
from tests.processes import eventually, running
from tests.web.serving import PATIENCE, ROOT, Server, serving

# Those that nothing can be done about, for which the kernel has no handlers.
UNCATCHABLE = {signal.SIGKILL, signal.SIGSTOP}


def workers(server: Server) -> list[int]:
    """Return the process ids of the children."""
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_signals_without_a_meaning_do_nothing() -> None:
    """Of all that can be caught, to the parent and to the worker: it is the same worker then, and the only one, and it answers."""
    harmless = signal.valid_signals() - UNCATCHABLE - STOPPING - FAULTS
    with serving() as server:
        (worker,) = workers(server)
        for pid in (server.process.pid, worker):
            for number in sorted(harmless):
                os.kill(pid, number)
                assert server.get("/livez").status == 200, f"signal {number} to {pid}"
                assert workers(server) == [worker], f"signal {number} to {pid}"
        assert server.stop() == 0


@pytest.mark.parametrize("number", sorted({signal.SIGKILL, *FAULTS}))
def test_the_end_of_the_worker_is_the_end(number: signal.Signals) -> None:
    """A worker that is killed is not made anew: the parent tells by what signal, and how many objects it held."""
    with serving() as server:
        (worker,) = workers(server)
        os.kill(worker, number)
        assert server.line() == f"End(code={-number}, told=False, overdue=False) 1234"
        server.process.wait(PATIENCE)


def test_a_thread_without_memory_ends_the_process() -> None:
    """A reflector that gets no memory ends, and the whole process with it, instead of going on without that thread."""
    program = """
import threading
from ksm_shard.web.process import end_without_memory

def refused():
    raise MemoryError

end_without_memory()
thread = threading.Thread(target=refused)
thread.start()
thread.join()
print("goes on")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (NO_MEMORY, "")


def test_the_worker_ends_with_its_parent() -> None:
    """A parent that is killed leaves no worker behind, which would keep the ports."""
    with serving() as server:
        (worker,) = workers(server)
        server.process.kill()
        server.process.wait()
        eventually(lambda: not Path(f"/proc/{worker}").exists(), "the worker is there still")


def test_a_signal_at_the_start_is_not_lost() -> None:
    """SIGTERM before the worker can take it stops it nevertheless, and the parent need not kill it."""
    command = [sys.executable, "-m", "tests.web.serve_fake"]
    with running(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        eventually(lambda: bool(children.read_text()), "there is no worker")
        process.terminate()

        assert process.stdout.read() == "closed\nEnd(code=0, told=True, overdue=False) 1234\n"
        assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_stop_that_takes_too_long() -> None:
    """A worker that does not react is killed ten seconds after the drain period, which is told from other deaths."""
    with serving() as server:
        (worker,) = workers(server)
        os.kill(worker, signal.SIGSTOP)
        server.process.terminate()
        assert server.line() == "End(code=-9, told=True, overdue=True) 1234"
