"""The web configuration in force; its files are read again at each handshake and each request.

exporter-toolkit does so too. Reading costs 10 us a file, a handshake a hundred times that; nothing has to watch files that way,
whose times say too little: two changes within 4 ms have one. A new one that is not right changes nothing.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from ksm_shard.files import Reloadable, UnreadableFileError, content_of
from ksm_shard.web.access import RATE, Asked, CredentialCheck, Granted, Guard, Refusal, Verdict
from ksm_shard.web.basicauth import BasicAuth
from ksm_shard.web.nodes import BadConfig
from ksm_shard.web.tls import Tls
from ksm_shard.web.webconfig import WebConfig, parse

LOG: Final = logging.getLogger(__name__)
TOO_OFTEN: Final = Refusal(RATE, "429 Too Many Requests", "Too Many Requests")


class RateLimit:
    """A token bucket for all clients together, as in exporter-toolkit."""

    def __init__(self, interval: float, burst: int) -> None:
        """Let so many requests through at once, and then one for each interval, in seconds."""
        self._interval, self._burst = interval, burst
        self._tokens, self._at = float(burst), time.monotonic()
        self._lock = Lock()

    def look(self, asked: Asked) -> Verdict | CredentialCheck:
        """Take a token of the bucket for a request; later looks at the same request take none."""
        if asked.counted:
            return Granted()
        asked.counted = True
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._at) / self._interval)
            self._at = now
            if self._tokens < 1:
                return TOO_OFTEN
            self._tokens -= 1
        return Granted()


@dataclass(frozen=True, slots=True)
class InForce:
    """A configuration with all that was made of it."""

    config: WebConfig
    tls: Tls | None
    limit: RateLimit | None
    auth: BasicAuth | None

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The guards of every request, in order."""
        return tuple(guard for guard in (self.limit, self.auth) if guard is not None)


class WebFile:
    """A web configuration file.

    Attributes:
        name: its path.
    """

    def __init__(self, name: str) -> None:
        """Read it.

        Raises:
            BadConfig: it is not right; the text names the file.
        """
        self.name = name
        self._lock = Lock()
        self._parsed: tuple[bytes, WebConfig | BadConfig] | None = None
        content = self._read()
        first = content, self._made(content, None)
        self._files = Reloadable("--tls-config", self._read, self._made, (BadConfig,), first)
        self._warn()

    @property
    def in_force(self) -> InForce:
        """The configuration in force, without another look at the files."""
        return self._files.made

    @property
    def successful(self) -> bool:
        """True if the newest contents are in force."""
        return not self._files.problem

    @property
    def since(self) -> float:
        """Time at which the contents in force were read, in seconds since 1970."""
        return self._files.since

    @property
    def secure(self) -> bool:
        """Tell whether TLS is spoken, which does not change."""
        return self.in_force.tls is not None

    @property
    def asks_all(self) -> bool:
        """Tell whether every request is of somebody: a password or a verified certificate is asked for."""
        return self.in_force.auth is not None or (self.secure and self.in_force.config.tls.verifies_all)

    def now(self) -> InForce:
        """Read the files again, and return the configuration that is in force then."""
        with self._lock:
            if self._files.look():
                self._warn()
            return self.in_force

    def tls(self) -> Tls:
        """Return how TLS is spoken."""
        now = self.now()
        if now.tls is None:
            raise BadConfig(f"{self.name}: no TLS is configured")
        return now.tls

    def _warn(self) -> None:
        for line in notes(self.in_force.config):
            LOG.warning("--tls-config: %s: %s", self.name, line)

    def _read(self) -> dict[str, bytes]:
        """Return the contents of the file and of those that it names, by path."""
        content = _content(self.name)
        if self._parsed is None or self._parsed[0] != content:
            self._parsed = content, _outcome(content, self.name)
        config = self._parsed[1]
        if isinstance(config, BadConfig):
            raise config
        return {self.name: content, **{path: _content(path) for path in config.tls.files}}

    def _made(self, content: Mapping[str, bytes], before: InForce | None) -> InForce:
        config = parse(content[self.name], Path(self.name).parent)
        if before is not None and config.tls.enabled != (before.tls is not None):
            raise BadConfig(f"{self.name}: tls_server_config: cannot come or go without a restart")
        try:
            tls = Tls(config.tls, content) if config.tls.enabled else None
            limit, auth = (before.limit, before.auth) if before is not None else (None, None)
            if before is None or (before.config.interval, before.config.burst) != (config.interval, config.burst):
                limit = RateLimit(config.interval, config.burst) if config.interval else None
            if before is None or before.config.users != config.users:
                auth = BasicAuth(config.users) if config.users else None
        except BadConfig as error:
            raise BadConfig(f"{self.name}: {error}") from None
        return InForce(config, tls, limit, auth)


def config_of(name: str) -> WebConfig:
    """Read a web configuration file, and not those that it names.

    Raises:
        BadConfig: it is not right; the text names the file.
    """
    config = _outcome(_content(name), name)
    if isinstance(config, BadConfig):
        raise config
    return config


def notes(config: WebConfig) -> list[str]:
    """Return a line for each setting whose effect may surprise."""
    lines = []
    if config.http2 and config.tls.enabled:
        lines.append("http2: is not offered here; clients that ask for it get HTTP/1.1")
    if config.tls.client_auth_type in {"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"} and not (
        config.tls.client_ca or config.tls.client_ca_file
    ):
        lines.append("client_auth_type: without client_ca_file no certificate of a client is valid")
    if config.users and not config.tls.enabled:
        lines.append("basic_auth_users: without tls_server_config passwords cross the network in the open")
    return lines


def _outcome(content: bytes, name: str) -> WebConfig | BadConfig:
    try:
        return parse(content, Path(name).parent)
    except BadConfig as error:
        return BadConfig(f"{name}: {error}")


def _content(path: str) -> bytes:
    try:
        return content_of(path)
    except UnreadableFileError as error:
        raise BadConfig(str(error)) from None
