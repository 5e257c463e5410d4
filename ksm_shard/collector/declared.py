"""The text of Custom Resource State that is in force: inline, or of a file that is read again when it changes."""

import hashlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ksm_shard.cluster.errors import ConfigurationError
from ksm_shard.custom.entries import Entry, Problem
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import family_of
from ksm_shard.metrics.families import Family
from ksm_shard.status.custom import DeclaredStatus

LOG: Final = logging.getLogger(__name__)
INLINE: Final = "--custom-resource-state-config"


class InvalidFileError(ConfigurationError):
    """A file that cannot be used: a line for each problem, with its place."""


class Declared:
    """Entries of Custom Resource State, from a text or a file.

    Attributes:
        entries: those in force.
    """

    def __init__(self, path: str, text: str = "", *, may_be_missing: bool = False) -> None:
        """Read the file, or take the text instead.

        Raises:
            InvalidFileError: the text cannot be used, or the file is missing and must not be.
        """
        self._path = "" if text else path
        self._name = INLINE if text else path
        self._seen: object = None
        self._content = b""
        self._read = 0.0
        self._problem = ""
        self.entries: Sequence[Entry] = ()
        if text:
            self._take(text.encode())
            return
        self._seen = self._mark()
        try:
            self._take(Path(path).read_bytes())
        except OSError as error:
            self._problem = f"{path} cannot be read: {error.strerror}"
            if not (may_be_missing and isinstance(error, FileNotFoundError)):
                raise InvalidFileError(self._problem) from None
            LOG.warning("%s; it is waited for", self._problem)

    def families(self) -> list[Family]:
        """Return a family for each metric in force, for filters by name."""
        return [family_of(metric.name, [metric]) for entry in self.entries for metric in entry.metrics]

    def changed(self) -> bool:
        """Read the file again if it has changed; return whether other entries are in force.

        A file that cannot be used changes nothing but the status, and is logged once.
        """
        if not self._path or (mark := self._mark()) == self._seen:
            return False
        self._seen, before = mark, self.entries
        try:
            content = Path(self._path).read_bytes()
            if content != self._content or self._problem:
                self._take(content)
                LOG.info("%s was read again", self._path)
        except OSError as error:
            self._refuse(f"{self._path} cannot be read: {error.strerror}")
        except InvalidFileError as error:
            self._refuse(str(error))
        return self.entries != before

    def status(self) -> DeclaredStatus:
        """Return the state of the file."""
        digest = int.from_bytes(hashlib.md5(self._content, usedforsecurity=False).digest()[:6], "little")
        return DeclaredStatus(self._name, digest, self._read, len(self.entries), self._problem)

    def _mark(self) -> object:
        """Return what changes when the file does. A mounted ConfigMap is a link to another file then."""
        try:
            found = Path(self._path).stat()
        except OSError as error:
            return error.errno
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _take(self, content: bytes) -> None:
        entries, problems = read(content)
        fatal = [_line(self._name, one) for one in problems if one.fatal]
        if fatal:
            raise InvalidFileError("\n".join(fatal))
        for one in problems:
            LOG.warning("%s", _line(self._name, one))
        self.entries, self._content, self._read, self._problem = entries, content, time.time(), ""

    def _refuse(self, problem: str) -> None:
        self._problem = problem
        for line in problem.splitlines():
            LOG.error("the former contents stay in force: %s", line)


def _line(name: str, problem: Problem) -> str:
    return f"{name}:{problem.line}:{problem.column}: {problem.text}"
