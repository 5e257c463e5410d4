"""The API servers of the tests: the simulator in a process of its own, or one with a certificate that nobody signed."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ksm_shard.simulator.client import Client, Rejected

__all__ = ["Api", "Rejected", "simulated"]


class Api(Client):
    """A client with a `token`, for a server whose certificate is not checked."""

    def __init__(self, url: str, token: str = "") -> None:
        super().__init__(url, {"Authorization": f"Bearer {token}"} if token else {}, ssl._create_unverified_context())


@contextmanager
def simulated() -> Iterator[str]:
    """Run a simulator with nothing in it, and yield its URL: in a process of its own, as it and what measures want a CPU each."""
    command = [sys.executable, "-m", "ksm_shard", "simulate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            word, _, url = process.stdout.readline().strip().partition(" ")
            assert word == "ready", "the simulator did not start"
            yield url
        finally:
            process.terminate()
