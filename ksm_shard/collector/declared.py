"""The text of Custom Resource State that is in force: inline, or of a file that is read again when it changes."""

import hashlib
import logging
from collections.abc import Sequence
from typing import Final

from ksm_shard.cluster.errors import ConfigurationError
from ksm_shard.custom.entries import Entry, Problem
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import family_of
from ksm_shard.files import MissingFileError, Reloadable, UnreadableFileError, content_of
from ksm_shard.metrics.families import Family
from ksm_shard.status.custom import DeclaredStatus

LOG: Final = logging.getLogger(__name__)
INLINE: Final = "--custom-resource-state-config"


class InvalidFileError(ConfigurationError):
    """A file that cannot be used: a line for each problem, with its place."""


class Declared:
    """Entries of Custom Resource State, from a text or a file.

    Attributes:
        source: path and text.
    """

    def __init__(self, path: str, text: str = "", *, may_be_missing: bool = False) -> None:
        """Read the file, or take the text instead.

        Raises:
            InvalidFileError: the text cannot be used, or the file is missing and must not be.
        """
        self.source = path, text
        self._name = INLINE if text else path
        self._text = text.encode()
        content, missing = self._text, None
        try:
            content = self._read()
        except UnreadableFileError as error:
            if not (may_be_missing and isinstance(error, MissingFileError)):
                raise InvalidFileError(str(error)) from None
            missing = error
        entries = self._made(content, ()) if missing is None else ()
        flag = f"{INLINE}-file"
        self._file = Reloadable(flag, self._read, self._made, (InvalidFileError,), (content, entries))
        if missing is not None:
            self._file.wait_for(missing)

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries in force."""
        return self._file.made

    def families(self) -> list[Family]:
        """Return a family for each metric in force, for filters by name."""
        return [family_of(metric.name, [metric]) for entry in self.entries for metric in entry.metrics]

    def changed(self) -> bool:
        """Read the file again; return whether other entries are in force.

        A file that cannot be used changes nothing but the status, and is logged once.
        """
        before = self.entries
        self._file.look()
        return self.entries != before

    def status(self) -> DeclaredStatus:
        """Return the state of the file."""
        digest = int.from_bytes(hashlib.md5(self._file.content, usedforsecurity=False).digest()[:6], "little")
        return DeclaredStatus(self._name, digest, self._file.since, len(self.entries), self._file.problem)

    def _read(self) -> bytes:
        return self._text or content_of(self._name)

    def _made(self, content: bytes, before: Sequence[Entry]) -> Sequence[Entry]:
        del before
        entries, problems = read(content)
        fatal = [_line(self._name, one) for one in problems if one.fatal]
        if fatal:
            raise InvalidFileError("\n".join(fatal))
        for one in problems:
            LOG.warning("%s", _line(self._name, one))
        return entries


def _line(name: str, problem: Problem) -> str:
    return f"{name}:{problem.line}:{problem.column}: {problem.text}"
