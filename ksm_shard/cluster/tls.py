"""TLS to the API server: one context for all connections, and many records a read.

Each event of a watch is a TLS record, for which `ssl.SSLSocket` asks the kernel twice, once for the record's length. Here
the kernel is asked for READ bytes, and OpenSSL takes the records from memory.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from urllib3.util.ssl_ import create_urllib3_context

# Bytes asked of the kernel at once; twice as many made no difference. OpenSSL keeps that much for each busy connection.
READ: Final = 1 << 16


class MemoryTlsSocket(socket.socket):
    """A connected socket that speaks TLS, as far as http.client needs one: `sendall`, and files that read by `recv_into`."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, server_hostname: str | None) -> None:
        """Take over a connection, and shake hands within its timeout.

        Raises:
            OSError: the handshake failed; ssl.SSLError if the peer is not who it should be. The connection is closed then.
        """
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=server_hostname)
        timeout = connection.gettimeout()
        super().__init__(connection.family, connection.type, connection.proto, connection.detach())
        try:
            self.settimeout(timeout)
            self._shake_hands()
        except BaseException:
            self.close()
            raise

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Fill a buffer with what has come, at least one byte; return the number of bytes, 0 at the end."""
        del nbytes, flags
        view, filled = memoryview(buffer), 0
        while filled < len(view):
            try:
                count = self._tls.read(len(view) - filled, view[filled:])
            except ssl.SSLWantReadError:
                if filled:
                    break
                self._receive()
                continue
            except (
                ssl.SSLEOFError
            ):  # closed without a farewell, as SSLSocket takes for an end; HTTP knows how much is missing
                break
            if not count:
                break
            filled += int(count)
        return filled

    @property
    def buffered(self) -> bool:
        """True if some of what was received has yet to be read."""
        return self._received.pending > 0 or self._tls.pending() > 0

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the data."""
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]
        self._send(flags)

    def getpeercert(self, binary_form: bool = False) -> Any:  # noqa: FBT002  as SSLSocket has it
        """Return the peer's certificate, for urllib3, which compares names and fingerprints that OpenSSL was not told."""
        return self._tls.getpeercert(binary_form)

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._receive()
            else:
                break
            finally:
                self._send()  # an alert too, which tells the server why

    def _receive(self) -> None:
        self._send()  # an answer to a change of keys
        if data := super().recv(READ):
            self._received.write(data)
        else:
            self._received.write_eof()

    def _send(self, flags: int = 0) -> None:
        if data := self._to_send.read():
            super().sendall(data, flags)


class MemoryTlsContext(ssl.SSLContext):
    """A context whose sockets are MemoryTlsSockets, with urllib3's choice of versions and strictness."""

    def wrap_socket(  # type: ignore[override]  # with what urllib3 passes
        self, sock: socket.socket, *, server_hostname: str | None = None
    ) -> MemoryTlsSocket:
        """Return a socket that has shaken hands."""
        return MemoryTlsSocket(sock, self, server_hostname)


def share_context(arguments: dict[str, Any]) -> None:
    """Put one context into the arguments of a pool, in place of the files that each connection would load.

    Loading the usual authorities takes 30 ms and 0.7 MB, which each of 30 connections did for a kubeconfig that names none.

    Raises:
        OSError: a file is missing or unusable; the text names the file.
        ValueError: the private key is encrypted.
    """
    names = "ca_certs", "ca_cert_dir", "ca_cert_data", "cert_file", "key_file", "key_password"
    authorities, folder, data, certificate, key, password = (arguments.pop(name, None) for name in names)
    model = create_urllib3_context(cert_reqs=arguments.get("cert_reqs"))
    context = MemoryTlsContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = model.check_hostname, model.verify_mode
    context.options, context.verify_flags, context.minimum_version = (
        model.options,
        model.verify_flags,
        model.minimum_version,
    )
    if authorities or folder or data:
        with _named(authorities or folder or "the given authorities"):
            context.load_verify_locations(authorities, folder, data)
    elif context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs()
    if certificate:
        with _named(" and ".join(filter(None, (certificate, key)))):
            context.load_cert_chain(certificate, key, password or _refuse)
    arguments["ssl_context"] = context


@contextmanager
def _named(files: str) -> Iterator[None]:
    """Name the files in errors of OpenSSL, whose own texts name none."""
    try:
        yield
    except OSError as error:  # OpenSSL's own errors are OSErrors
        raise OSError(f"{files}: {getattr(error, 'reason', '') or error.strerror or error}") from error


def _refuse() -> str:
    """Refuse to decrypt a key: OpenSSL would ask the terminal."""
    raise ValueError("the client's private key is encrypted; expected one without a password")
