"""Files that are read again, and what was made of their newest good contents.

A look reads the files: their times say too little, and a mounted ConfigMap is a link to another file after a change. New contents
that are not right change nothing but `problem`.
"""

import logging
import os
import re
import stat
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

LOG: Final = logging.getLogger(__name__)
# Bytes of a file that are read: a ConfigMap or a Secret has 1 MiB at most, and a path may lead anywhere, as to /dev/zero.
MOST: Final = 16 << 20

# What PyYAML's errors quote: single characters, tokens in angle brackets, and words of the text.
QUOTED: Final = re.compile(r"'(?:.|<[^']*>|([^']*))'")

Content = TypeVar("Content")
Made = TypeVar("Made")


class UnreadableFileError(Exception):
    """A file that cannot be read; the text is one line with its path."""


class MissingFileError(UnreadableFileError):
    """A file that is not there."""


def reason(error: Exception) -> str:
    """Return a line about an error, for one of the operating system `FILE: No such file or directory` without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def yaml_fault(error: Exception) -> str:
    """Return where and why a text is no YAML, without quoting it: files of passwords and keys come to nobody's log.

    PyYAML's own text has the line, and names of aliases and anchors, as which it reads values that begin with * or &.
    """
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return place + " ".join(QUOTED.sub(lambda found: "..." if found[1] else found[0], problem).split())


def content_of(path: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        UnreadableFileError: it cannot be read, is larger than MOST, or is a pipe: the second look would find it empty, and
            an empty file is no mistake.
    """
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):  # noqa: PTH116  as below
            raise UnreadableFileError(f"{path}: is a pipe, which can be read only once; expected a file")
        with open(path, "rb") as file:  # noqa: PTH123  Path.open costs half as much again, and some are read at each request
            content = file.read(MOST + 1)
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MOST:
        raise UnreadableFileError(f"{path}: is larger than {MOST >> 20} MiB")
    return content


class Reloadable(Generic[Content, Made]):
    """The object made of the newest good contents. One thread at a time may look.

    Attributes:
        content, made: the contents in force, and the object made of them; replaced one after the other.
        since: when the contents were read, in seconds since 1970.
        problem: a line for each reason why the newest contents are not in force; "" when they are.
    """

    def __init__(
        self,
        flag: str,
        read: Callable[[], Content],
        make: Callable[[Content, Made], Made],
        faults: tuple[type[Exception], ...],
        first: tuple[Content, Made],
        *,
        passing: tuple[type[Exception], ...] = (),
    ) -> None:
        """Begin with contents and an object that are good.

        Args:
            flag: names the files in the log.
            read: returns what the files hold now.
            make: takes contents and the object in force, and returns the object to replace it.
            faults: exceptions of `read` and `make` for contents that are not right.
            first: the first contents, and the object made of them.
            passing: those of the faults after which the same contents may be right a moment later.
        """
        self._flag, self._read, self._make = flag, read, make
        self._faults: tuple[type[Exception], ...] = (UnreadableFileError, *faults)
        self._passing = passing
        self._tried: Content | None = None
        self.content, self.made = first
        self.since, self.problem = time.time(), ""

    def look(self) -> bool:
        """Read the files, and use new contents; return whether another object is in force."""
        content = self.news()
        return content is not None and self.take(content)

    def news(self) -> Content | None:
        """Return what the files hold if it is new; None if it is in force, or was found wrong before."""
        try:
            content = self._read()
        except self._faults as error:
            self._refuse(error)
            return None
        if content == self.content and not self._is_awaited():
            self._tried, self.problem = None, ""
            return None
        return None if content == self._tried else content

    def take(self, content: Content) -> bool:
        """Make an object of new contents, and put it into force; return whether that could be done."""
        self._tried = content
        try:
            made = self._make(content, self.made)
        except self._faults as error:
            if isinstance(error, self._passing):
                self._tried = None
            self._refuse(error)
            return False
        except Exception as error:
            self._refuse(f"a fault of ksm-shard: {error!r}")
            raise
        self.made, self.content, self.since = made, content, time.time()
        self._tried, self.problem = None, ""
        LOG.info("%s: new contents are in force", self._flag)
        return True

    def wait_for(self, missing: MissingFileError) -> None:
        """Note that there is no file yet: the first contents only stand for it, and even equal ones will be new."""
        self.since, self.problem = 0.0, str(missing)
        LOG.warning("%s: %s; it is waited for", self._flag, missing)

    def _is_awaited(self) -> bool:
        return not self.since

    def _refuse(self, error: Exception | str) -> None:
        before, self.problem = self.problem, str(error)
        if self.problem != before:
            for line in self.problem.splitlines():
                LOG.error("%s: what was read before stays in force: %s", self._flag, line)
