"""Deadlines as kube-state-metrics' options give them, and where the empty file of gunicorn is made."""

import errno
import os
import time
from math import inf
from pathlib import Path

import pytest

from ksm_shard.web.server import CannotStart, Limits, scratch
from tests.web.serving import serving


@pytest.mark.parametrize(
    ("limits", "header", "write", "idle"),
    [
        (Limits(), 5.0, 60.0, 300),
        (Limits(read=2.0), 2.0, 60.0, 300),
        (Limits(read_header=0.0), 60.0, 60.0, 300),
        (Limits(read=0.0), 5.0, 60.0, 300),
        (Limits(read=0.0, read_header=0.0, write=0.0, idle=0.0), inf, inf, inf),
        (Limits(idle=0.0), 5.0, 60.0, 60),
        (Limits(idle=0.5), 5.0, 60.0, 0.5),
    ],
)
def test_limits(limits: Limits, header: float, write: float, idle: float) -> None:
    """0 is no limit, as in Go's http.Server; the header is all of a request that is read, so that two options bound it."""
    assert (limits.header_deadline, limits.write_deadline, limits.idle_deadline) == (header, write, idle)


def test_a_request_that_is_too_slow() -> None:
    """--server-read-timeout ends a request whose header may take longer than that by its own option."""
    with serving("--read=0.5", "--read-header=60") as server, server.connect() as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\n")
        began = time.monotonic()
        slow.recv(4096)
        assert time.monotonic() - began < 10


def test_without_limits() -> None:
    """0 closes no connection at once."""
    with serving("--read=0", "--read-header=0", "--write=0") as server:
        assert server.get("/livez").status == 200


def test_the_first_folder_that_will_do(tmp_path: Path) -> None:
    """Those before it are absent, or no folders."""
    (tmp_path / "file").touch()
    assert scratch([str(tmp_path / "absent"), str(tmp_path / "file"), str(tmp_path)]) == str(tmp_path)


def test_no_folder_will_do(tmp_path: Path) -> None:
    """One line names each, why not, and what would help."""
    absent = str(tmp_path / "absent")
    with pytest.raises(CannotStart) as caught:
        scratch([absent, "/proc"])
    first, second = f"{absent}: {os.strerror(errno.ENOENT)}", "/proc: "
    assert str(caught.value).startswith(f"no file can be made in any of {first}; {second}")
    assert str(caught.value).endswith("; mount an emptyDir at one of them")
