"""Reading files of users; what is made of their contents is left to the rooms that read them."""

import os
from pathlib import Path

import pytest

from ksm_shard.files import Reloadable, UnreadableFileError, content_of


def test_a_pipe_is_refused() -> None:
    """A pipe is refused unread: a second look would find it empty, and take away options, or the passwords that scrapers need."""
    reading, writing = os.pipe()
    os.close(writing)
    try:
        with pytest.raises(UnreadableFileError, match=rf"^/dev/fd/{reading}: is a pipe, .*; expected a file$"):
            content_of(f"/dev/fd/{reading}")
    finally:
        os.close(reading)


def test_a_named_pipe_is_refused(tmp_path: Path) -> None:
    """A named pipe is refused without waiting for somebody to write."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFileError, match="is a pipe"):
        content_of(str(tmp_path / "pipe"))


def test_an_unexpected_failure_is_a_problem() -> None:
    """New contents that nobody can use for an unexpected reason are not silently taken for those in force."""
    contents = ["good"]
    file = Reloadable("--flag", lambda: contents[0], lambda content, _: {"good": 1}[content], (), ("good", 1))
    contents[0] = "odd"

    with pytest.raises(KeyError):
        file.look()

    assert (False, 1, "a fault of ksm-shard: KeyError('odd')") == (file.look(), file.made, file.problem)
    contents[0] = "good"
    assert (False, "") == (file.look(), file.problem)
