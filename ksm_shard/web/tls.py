"""TLS of the front: contexts of the web configuration, and handshakes in the poller, without a thread."""

import contextlib
import ipaddress
import logging
import os
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ksm_shard.web import openssl
from ksm_shard.web.connections import Connection
from ksm_shard.web.limits import MOST_HEADER
from ksm_shard.web.nodes import BadConfig
from ksm_shard.web.webconfig import CIPHERS, CLIENT_AUTH, CURVES, TlsConfig

LOG: Final = logging.getLogger(__name__)
# The first byte of every TLS connection: a record that holds a handshake.
RECORD: Final = b"\x16"
# Bytes that are encrypted and sent together, two records.
TOGETHER: Final = 32 << 10
# The reason why a connection is closed, one of telemetry.DROPPED.
HANDSHAKE: Final = "handshake"
PROTOCOLS: Final = ("http/1.1",)
# As Go orders them where the processor knows AES: OpenSSL begins with 256 bits, which take a scrape of 20 MB 1 ms more.
SUITES: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
ORDER: Final = sorted(
    filter(None, CIPHERS.values()), key=lambda name: ("GCM" not in name, "CHACHA" not in name, "256-" in name)
)
_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class Tls:
    """The OpenSSL context of one configuration, for new connections.

    Attributes:
        context: of OpenSSL.
    """

    def __init__(self, config: TlsConfig, files: Mapping[str, bytes]) -> None:
        """Take the configuration, and the contents of the files that it names.

        Raises:
            BadConfig: they do not go together, or are not what they should be.
        """
        asked, required, verified = CLIENT_AUTH[config.client_auth_type or "NoClientCert"]
        self._sans = config.client_allowed_sans if asked else None
        self.context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(list(PROTOCOLS))
        try:
            _restrict(context, config)
            _load(
                context,
                files[config.cert_file] if config.cert_file else config.cert.encode(),
                files[config.key_file] if config.key_file else config.key.encode(),
            )
            if asked:
                context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
                authorities = files[config.client_ca_file] if config.client_ca_file else config.client_ca.encode()
                if verified:
                    _trust(context, authorities)
                else:
                    openssl.accept_any_certificate(context)
        except (openssl.OutOfReach, OSError, ValueError) as error:  # OpenSSL's own errors are OSErrors
            raise BadConfig(f"tls_server_config: {error}") from None
        with contextlib.suppress(openssl.OutOfReach):  # questions of cost alone
            openssl.keep_no_sessions(context)
            openssl.set_suites(context, SUITES)

    def lets_in(self, client: ssl.SSLObject) -> bool:
        """Tell whether the names in a client's certificate are allowed."""
        if self._sans is None:
            return True
        certificate: Any = client.getpeercert() or {}
        return any(_as_go_writes(*name) in self._sans for name in certificate.get("subjectAltName", ()))


class TlsSocket(socket.socket):
    """The socket of a client that speaks TLS; what is below `shut` and `os.read` is as it was.

    Records are encrypted two at a time and sent together: ssl's own socket writes each of them, which cost a scrape of 20 MB 3 ms
    more. Four would cost no less, and leave a connection with 66 kB instead of 45.
    """

    def __init__(self, sock: socket.socket, tls: Tls) -> None:
        """Take a socket over."""
        super().__init__(sock.family, sock.type, sock.proto, fileno=sock.detach())
        self.setblocking(False)
        self._tls = tls
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = tls.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.shaken = False

    def receive(self) -> bytes | None:
        """Return what has come, b"" at its end, None if nothing is there yet; shake hands first. Never waits.

        Raises:
            OSError: it is no TLS, or none that is wanted.
        """
        piece = super().recv(MOST_HEADER)
        if not piece:
            return b""
        self._incoming.write(piece)
        with contextlib.suppress(ssl.SSLWantReadError):
            if not self.shaken:
                self._shake()
            return self._decrypted()
        return None

    def send(self, data: Any, flags: int = 0) -> int:
        """Send something short."""
        self.sendall(data, flags)
        return len(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Encrypt and send everything."""
        view = memoryview(data)
        for start in range(0, len(view), TOGETHER):
            part = view[start : start + TOGETHER]
            while part:
                part = part[self._object.write(part) :]
            super().sendall(self._outgoing.read(), flags)

    def say_goodbye(self) -> None:
        """Send that nothing more will come; the client's own goodbye is not waited for."""
        with contextlib.suppress(OSError, ValueError):
            self.setblocking(False)
            try:
                self._object.unwrap()
            finally:
                self._flush()

    def _shake(self) -> None:
        try:
            self._object.do_handshake()
        finally:
            self._flush()  # also what says to a client why not
        if not self._tls.lets_in(self._object):
            raise ssl.SSLError("the names in the certificate of the client are not allowed")
        self.shaken = True

    def _flush(self) -> None:
        """Send what OpenSSL has to say: 4 kB at most, where the kernel takes 256."""
        if self._outgoing.pending:
            super().sendall(self._outgoing.read())

    def _decrypted(self) -> bytes:
        """Return all that can be read of what is here: the poller knows nothing of it. Raises SSLWantReadError for nothing."""
        pieces = [self._object.read(MOST_HEADER)]
        with contextlib.suppress(ssl.SSLWantReadError):
            while pieces[-1]:
                pieces.append(self._object.read(MOST_HEADER))
        return b"".join(pieces)


class TlsConnection(Connection):
    """A client that has to shake hands before it asks."""

    def __init__(self, config: Any, sock: socket.socket, client: Any, server: Any, tls: Callable[[], Tls]) -> None:
        """Take what returns the way of shaking hands, which is asked for when the client begins to."""
        super().__init__(config, sock, client, server)
        self._newest = tls

    @property
    def began(self) -> bool:
        """Tell whether the client has begun a handshake, or a request after it."""
        return super().began or (isinstance(self.sock, TlsSocket) and not self.sock.shaken)

    def read_some(self) -> bytes | None:
        """Return bytes that have come, as `Connection` does, or go on with the handshake; plain HTTP is read too, to be refused."""
        try:
            if not isinstance(self.sock, TlsSocket) and not self._begins():
                return super().read_some()
            return self.sock.receive() if isinstance(self.sock, TlsSocket) else b""
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            shaken = isinstance(self.sock, TlsSocket) and self.sock.shaken
            if not shaken and not isinstance(error, ConnectionError):
                self.failure = HANDSHAKE
                LOG.debug("no handshake with %s: %s", self.client, error)
            return b""

    def request(self) -> Any:
        """Take the header that is there, as `Connection` does."""
        request = super().request()
        request.scheme = "https"
        return request

    def finish(self) -> None:
        """Say goodbye as TLS does, then as TCP does."""
        if isinstance(self.sock, TlsSocket):
            self.sock.say_goodbye()
        super().finish()

    def _begins(self) -> bool:
        """Begin the handshake if that is what the client sends first: a client that says nothing has no place in OpenSSL."""
        if self.plain:
            return False
        first = self.sock.recv(1, socket.MSG_PEEK)
        if first != RECORD:
            self.plain = first != b""
            return False
        self.sock = TlsSocket(self.sock, self._newest())
        return True


def _restrict(context: ssl.SSLContext, config: TlsConfig) -> None:
    """Set versions, ciphers and curves."""
    lowest, highest = _VERSIONS[config.min_version], _VERSIONS[config.max_version]
    ciphers = [name for name in (CIPHERS[suite] for suite in config.cipher_suites) if name]
    if config.cipher_suites and not ciphers:
        lowest = max(lowest, ssl.TLSVersion.TLSv1_3)
    if lowest > highest:
        raise BadConfig("tls_server_config: no version of TLS is left by min_version, max_version and cipher_suites")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.0 and 1.1, which somebody asked for
        context.minimum_version, context.maximum_version = lowest, highest
    # No session is resumed: Go's clients do not ask for it, and one would outlive the authority that its certificate is from.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    if config.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    # At OpenSSL's usual level, 2 here and 1 upstream, TLS 1.0 and 1.1 have no hash that they may use.
    level = "@SECLEVEL=0" if lowest < ssl.TLSVersion.TLSv1_2 else ""
    context.set_ciphers(":".join(filter(None, [*(ciphers or ORDER), level])))
    curves = [CURVES[name] for name in config.curve_preferences]
    if curves:
        openssl.set_curves(context, curves)


def _load(context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    """Load a certificate and its key. Python reads files alone: these are in memory, and are those that were looked at."""
    with _readable(cert) as certificate, _readable(key) as private:
        try:
            # A key with a passphrase would be asked for it, on a terminal.
            context.load_cert_chain(certificate, private, password=lambda: b"")
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", "") or str(error)
            raise BadConfig(
                f"tls_server_config: cert_file and key_file are no certificate and its key: {reason}"
            ) from None


@contextlib.contextmanager
def _readable(content: bytes) -> Iterator[str]:
    file = os.memfd_create("pem")
    try:
        os.write(file, content)
        yield f"/proc/self/fd/{file}"
    finally:
        os.close(file)


def _trust(context: ssl.SSLContext, authorities: bytes) -> None:
    """Trust these authorities. As in Go, what is no certificate is passed over: without any, no client is let in."""
    with contextlib.suppress(ssl.SSLError, ValueError):
        context.load_verify_locations(cadata=authorities.decode("ascii", "replace"))


def _as_go_writes(kind: str, name: str) -> str:
    """Return a subject alternative name as it is written in the configuration."""
    if kind != "IP Address":
        return name
    try:
        return str(ipaddress.ip_address(name.strip()))
    except ValueError:
        return name
