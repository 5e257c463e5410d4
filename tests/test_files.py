"""Reading files of users; what is made of their contents is left to the rooms that read them."""

import os
from pathlib import Path

import pytest

from ksm_shard.files import UnreadableFileError, content_of


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
