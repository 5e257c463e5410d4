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

from ksm_shard.web.access import RATE, Asked, CredentialCheck, Granted, Guard, Refusal, Verdict
from ksm_shard.web.basicauth import BasicAuth
from ksm_shard.web.nodes import BadConfig
from ksm_shard.web.tls import Tls
from ksm_shard.web.webconfig import WebConfig, parse

LOG: Final = logging.getLogger(__name__)
# Bytes of a file that are read: a certificate with its chain has some kilobytes, and a path may lead anywhere.
MOST: Final = 1 << 20
TOO_OFTEN: Final = Refusal(RATE, "429 Too Many Requests", "Too Many Requests")


class RateLimit:
    """A token bucket for all clients together, as in exporter-toolkit."""

    def __init__(self, interval: float, burst: int) -> None:
        """Let so many requests through at once, and then one for each interval, in seconds."""
        self._interval, self._burst = interval, burst
        self._tokens, self._at = float(burst), time.monotonic()
        self._lock = Lock()

    def look(self, asked: Asked) -> Verdict | CredentialCheck:
        """Take a token for a request, once however often it is looked at."""
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
    """A configuration with all that was made of it.

    Attributes:
        content: of its file, and of those that it names, by path.
    """

    config: WebConfig
    content: Mapping[str, bytes]
    tls: Tls | None
    limit: RateLimit | None
    auth: BasicAuth | None

    @property
    def guards(self) -> tuple[Guard, ...]:
        """Return what asks of every request, in order."""
        return tuple(guard for guard in (self.limit, self.auth) if guard is not None)


class WebFile:
    """A web configuration file.

    Attributes:
        name: its path.
        in_force: what is, without another look at the files.
        successful: whether what was there last is in force.
        since: when what is in force was read, in seconds since 1970.
    """

    def __init__(self, name: str) -> None:
        """Read it.

        Raises:
            BadConfig: it is not right; the text names the file.
        """
        self.name = name
        self._lock = Lock()
        self._tried: Mapping[str, bytes] | None = None
        self._parsed: tuple[bytes, WebConfig | BadConfig] | None = None
        self._problem = ""
        self.in_force = self._made(*self._read(), None)
        self.successful, self.since = True, time.time()
        for line in notes(self.in_force.config):
            LOG.warning("--tls-config: %s: %s", name, line)

    @property
    def secure(self) -> bool:
        """Tell whether TLS is spoken, which does not change."""
        return self.in_force.tls is not None

    @property
    def asks_all(self) -> bool:
        """Tell whether every request is of somebody: a password or a verified certificate is asked for."""
        return self.in_force.auth is not None or (self.secure and self.in_force.config.tls.verifies_all)

    def now(self) -> InForce:
        """Return what is in force, after a look at the files."""
        with self._lock:
            self._look()
            return self.in_force

    def tls(self) -> Tls:
        """Return how TLS is spoken."""
        now = self.now()
        if now.tls is None:
            raise BadConfig(f"{self.name}: no TLS is configured")
        return now.tls

    def _look(self) -> None:
        try:
            config, content = self._read()
            if content == self.in_force.content:
                self._tried, self.successful, self._problem = None, True, ""
                return
            if content == self._tried:
                return
            self._tried = content
            fresh = self._made(config, content, self.in_force)
        except BadConfig as error:
            self.successful = False
            if str(error) != self._problem:
                self._problem = str(error)
                LOG.error("--tls-config: what was read before stays in force: %s", error)  # noqa: TRY400  one line
            return
        self.in_force, self._tried, self.successful, self.since, self._problem = fresh, None, True, time.time(), ""
        LOG.info("--tls-config: %s, or a file that it names, has changed and is in force", self.name)
        for line in notes(fresh.config):
            LOG.warning("--tls-config: %s: %s", self.name, line)

    def _read(self) -> tuple[WebConfig, dict[str, bytes]]:
        """Return the configuration, and what all files hold now."""
        content = _content(self.name)
        if self._parsed is None or self._parsed[0] != content:
            self._parsed = content, _outcome(content, self.name)
        config = self._parsed[1]
        if isinstance(config, BadConfig):
            raise config
        return config, {self.name: content, **{path: _content(path) for path in config.tls.files}}

    def _made(self, config: WebConfig, content: Mapping[str, bytes], before: InForce | None) -> InForce:
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
        return InForce(config, content, tls, limit, auth)


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
    """Return a line for each thing that is accepted and is not what one may think."""
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
        with open(path, "rb") as file:  # noqa: PTH123  Path.open costs half as much again, and this is read at each request
            content = file.read(MOST + 1)
    except (OSError, ValueError) as error:
        raise BadConfig(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MOST:
        raise BadConfig(f"{path}: is larger than 1 MiB")
    return content
