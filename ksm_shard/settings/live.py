"""The settings in force: those that can be obeyed at run time follow the file of --config.

what the file holds          what follows
---------------------------  ------------------------------------------------------------------------------------
other values of options      live options (`Option.live`) are put into force; of others one line says that they need a restart
a mistake, or it is missing  nothing, but a line and `status`
the same as before           nothing
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ksm_shard.files import MissingFileError, Reloadable, content_of
from ksm_shard.settings.options import UsageError, options_of
from ksm_shard.settings.run import Settings
from ksm_shard.status.model import ConfigFile

LOG: Final = logging.getLogger(__name__)
FLAG: Final = "--config"
# Seconds between two looks at the file. kube-state-metrics hears of a change at once, but a mounted ConfigMap comes a minute late.
EVERY: Final = 1.0
# Seconds for which new contents have to stay the same: an editor that writes in place empties the file first, and no option at all
# is as good a file as any.
SETTLED: Final = 0.05

Parse = Callable[[bytes], Settings]
Apply = Callable[[Settings], None]


class PassingError(UsageError):
    """A mistake that is not in the file of --config, so that the same contents may be right a moment later."""


def merged(running: Settings, asked: Settings) -> Settings:
    """Return the settings to run with: the live options of those asked for, and all others as they are."""
    live = {one.name: getattr(asked, one.name) for one in options_of(Settings) if one.live}
    return replace(running, **live, content=asked.content)


def pending(running: Settings, asked: Settings) -> tuple[str, ...]:
    """Return the flags of the options that differ and need a restart."""
    return tuple(
        f"--{one.flag}"
        for one in options_of(Settings)
        if not one.live and getattr(running, one.name) != getattr(asked, one.name)
    )


def level_of(settings: Settings) -> int:
    """Return the level of the log."""
    return logging.DEBUG if settings.verbosity >= 4 else logging.INFO


def drain_of(settings: Settings) -> float:
    """Return the seconds to serve on after SIGTERM: none where shards are fixed, as nobody takes over."""
    return settings.drain_period if settings.pod else 0.0


class LiveSettings:
    """Settings with a file that is read again when it changes, in a thread."""

    def __init__(self, settings: Settings, parse: Parse, stop: threading.Event | None = None) -> None:
        """Take the settings of the start.

        Args:
            settings: with the path and the contents of the file.
            parse: returns the settings of the same command line with other contents of the file. Raises UsageError.
            stop: ends the thread.
        """
        self._running = settings
        self._parse = parse
        self._stop = stop or threading.Event()
        self._pending: tuple[str, ...] = ()
        self._apply: Apply
        self._thread = threading.Thread(target=self._run, name="config", daemon=True)
        first = settings.content or b"", settings
        self._file = Reloadable(FLAG, self._read, self._made, (UsageError,), first, passing=(PassingError,))
        if settings.continue_without_config and settings.content is None:
            self._file.wait_for(MissingFileError(f"{settings.config}: there is no such file"))

    def start(self, apply: Apply) -> None:
        """Begin to read; `apply` puts settings into force, on the thread, or raises UsageError and changes nothing."""
        self._apply = apply
        self._thread.start()

    def stop(self) -> None:
        """End without waiting."""
        self._stop.set()

    def threads(self) -> list[threading.Thread]:
        """Return the threads that must be alive."""
        return [self._thread]

    def status(self) -> ConfigFile:
        """Return the state of the file."""
        file = self._file
        return ConfigFile(self._running.config, file.content, file.since, file.problem, self._pending)

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            content = self._file.news()
            if content is not None and not self._stop.wait(SETTLED) and self._file.news() == content:
                self._file.take(content)

    def _read(self) -> bytes:
        return content_of(self._running.config)

    def _made(self, content: bytes, former: Settings) -> Settings:
        try:
            asked = self._parse(content)
            settings = merged(former, asked)
            self._apply(settings)
        except (MemoryError, UsageError):
            raise
        except Exception as error:
            LOG.exception("%s: unexpected", FLAG)
            raise UsageError(f"a fault of ksm-shard: {error!r}") from error
        told, self._pending = self._pending, pending(self._running, asked)
        if self._pending and self._pending != told:
            LOG.warning("%s: until a restart stay as they were: %s", FLAG, ", ".join(self._pending))
        return settings
