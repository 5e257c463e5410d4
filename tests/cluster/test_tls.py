"""TLS read many records at once: against OpenSSL's own sockets, with records and reads of any size.

Who trusts whom is in test_connect.py.
"""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.cluster.tls import MemoryTlsContext, MemoryTlsSocket, share_context
from tests.cluster.test_connect import certificate

Serve = Callable[[ssl.SSLSocket], object]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of the server, which is its own authority."""
    return certificate(tmp_path_factory.mktemp("tls"), "server")


@contextmanager
def connected(authority: Path, serve: Serve) -> Iterator[MemoryTlsSocket]:
    """Return a socket whose other end does what `serve` says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    arguments = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": str(authority)}
    share_context(arguments)
    ours, theirs = socket.socketpair()

    def answer() -> None:
        with context.wrap_socket(theirs, server_side=True) as peer:
            serve(peer)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    ours.settimeout(10)
    shared = arguments["ssl_context"]
    assert isinstance(shared, MemoryTlsContext)
    with shared.wrap_socket(ours, server_hostname="127.0.0.1") as connection:
        yield connection
    thread.join(10)


@settings(max_examples=30)
@given(records=st.lists(st.integers(1, 40_000), max_size=5), size=st.integers(500, 100_000))
def test_what_is_sent_arrives(authority: Path, records: list[int], size: int) -> None:
    """What the peer sends is read whole and in order, whatever its records and the reads."""
    sent = [bytes([number]) * record for number, record in enumerate(records)]

    def serve(peer: ssl.SSLSocket) -> None:
        for record in sent:
            peer.sendall(record)
        with suppress(OSError):  # ours is closed by then
            peer.unwrap()

    found = bytearray()
    with connected(authority, serve) as connection, connection.makefile("rb") as file:
        while piece := file.read1(size):
            found += piece
    assert bytes(found) == b"".join(sent)


@pytest.mark.parametrize("size", [0, 1, 16_384, 1_000_000])
def test_what_is_written_arrives(authority: Path, size: int) -> None:
    """What is written is sent whole, and its answer is read."""

    def serve(peer: ssl.SSLSocket) -> None:
        left = size
        while left:
            left -= len(peer.recv(65_536))
        peer.sendall(b"done")

    with connected(authority, serve) as connection:
        connection.sendall(b"x" * size)
        buffer = bytearray(10)
        assert connection.recv_into(buffer) == 4
        assert buffer[:4] == b"done"


def test_what_a_read_leaves(authority: Path) -> None:
    """The rest of a record is no longer the kernel's, and yet has to be read."""
    with connected(authority, lambda peer: peer.sendall(b"x" * 1000)) as connection:
        assert connection.recv_into(bytearray(10)) == 10
        assert connection.buffered
        assert connection.recv_into(bytearray(990)) == 990
        assert not connection.buffered


def test_a_peer_that_just_goes(authority: Path) -> None:
    """A connection that is closed without a farewell has ended, after what came before; HTTP knows if that is all."""
    with connected(authority, lambda peer: peer.sendall(b"half")) as connection, connection.makefile("rb") as file:
        assert file.read() == b"half"


def test_a_read_that_takes_too_long(authority: Path) -> None:
    """A read fails when its time is over, and a later one finds what came since."""
    late = threading.Event()

    def serve(peer: ssl.SSLSocket) -> None:
        late.wait(10)
        peer.sendall(b"late")

    with connected(authority, serve) as connection:
        connection.settimeout(0.01)
        buffer = bytearray(10)
        with pytest.raises(TimeoutError):
            connection.recv_into(buffer)
        late.set()
        connection.settimeout(10)
        assert connection.recv_into(buffer) == 4


def test_no_tls() -> None:
    """A peer that does not speak TLS is an error of TLS, and the connection is closed."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(ssl.SSLError):
            MemoryTlsContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(ours, server_hostname="x")
        theirs.settimeout(10)
        while theirs.recv(65_536):
            pass


def test_an_encrypted_key(tmp_path: Path) -> None:
    """A private key with a password is refused; nobody would be there to type it."""
    plain, locked = certificate(tmp_path, "client"), tmp_path / "locked.pem"
    command = ["openssl", "pkey", "-in", str(plain), "-aes256", "-passout", "pass:secret", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ValueError, match="the client's private key is encrypted"):
        share_context({"cert_reqs": ssl.CERT_NONE, "cert_file": str(plain), "key_file": str(locked)})
