"""A real API server of our own, with etcd in the same process, whose state can be set aside and put back."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.conformance.reference import free_ports
from tests.e2e.api import Api
from tests.processes import PATIENCE, eventually


class RealApi:
    """The server that KSM_SHARD_REALAPI names. Use it as a context: it runs within.

    Attributes:
        kubeconfig: of an administrator.
        url: where it serves.
    """

    def __init__(self, folder: Path) -> None:
        """Keep everything in that folder; skip the test where there is no such server."""
        self._binary = os.environ.get("KSM_SHARD_REALAPI", "")
        if not self._binary:
            pytest.skip("KSM_SHARD_REALAPI does not name a built realapi")
        self._folder = folder
        self._port = str(free_ports())
        self._process: subprocess.Popen[bytes] | None = None
        self.kubeconfig = folder / "kubeconfig"
        self.url = f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        ready = self._folder / "ready"
        ready.unlink(missing_ok=True)
        with (self._folder / "log").open("a") as log:
            command = [self._binary, "serve", "--dir", str(self._folder), "--port", self._port]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(ready.exists, "the API server is not ready", (self._folder / "log").read_text, 3 * PATIENCE)

    def stop(self) -> None:
        """Stop it, as a node that is shut down does."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def back_up(self) -> None:
        """Set etcd's data aside; not while it runs."""
        shutil.copytree(self._folder / "etcd", self._folder / "backup")

    def restore(self) -> None:
        """Put etcd's data back; not while it runs."""
        shutil.rmtree(self._folder / "etcd")
        shutil.copytree(self._folder / "backup", self._folder / "etcd")

    def admin(self) -> Api:
        """Return what asks it as an administrator."""
        return Api(self.url, "admin")

    def kubeconfig_of(self, token: str) -> Path:
        """Write a kubeconfig with that token."""
        path = self._folder / "kubeconfig-of-another"
        cluster = {"server": self.url, "insecure-skip-tls-verify": True}
        config: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "real", "cluster": cluster}],
            "users": [{"name": "one", "user": {"token": token}}],
            "contexts": [{"name": "one", "context": {"cluster": "real", "user": "one"}}],
            "current-context": "one",
        }
        path.write_text(json.dumps(config))
        return path
