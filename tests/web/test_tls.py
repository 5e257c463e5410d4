"""TLS on both ports, with real clients: handshakes that hold no thread, certificates of clients, and files that change.

How the configuration is read is in test_webconfig.py; passwords have a file of their own.
"""

import contextlib
import dataclasses
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.web.refusals import REASONS
from tests.processes import eventually
from tests.web.certificates import Authority, Pair
from tests.web.serving import PATIENCE, Server, serving

CURL = shutil.which("curl")
REQUEST = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
ROTATIONS = 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs for servers and clients."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    """The server's certificate."""
    return authority.issue("server")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A client that somebody else has signed for."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger").client()


def context(authority: Authority, client: Pair | None = None) -> ssl.SSLContext:
    """What a client needs."""
    made = ssl.create_default_context(cafile=authority.cert)
    made.verify_flags |= ssl.VERIFY_X509_STRICT  # as newer Pythons do
    if client is not None:
        made.load_cert_chain(client.cert, client.key)
    return made


def config(pair: Pair, more: str = "", rest: str = "") -> str:
    """A configuration with that certificate."""
    return f"tls_server_config: {{cert_file: {pair.cert}, key_file: {pair.key}{more}}}\n{rest}"


@contextmanager
def secure(folder: Path, text: str, authority: Authority, *switches: str) -> Iterator[Server]:
    """Serve with a configuration."""
    file = folder / "web.yml"
    file.write_text(text)
    with serving("--web-config", str(file), *switches) as server:
        yield dataclasses.replace(server, context=context(authority))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority, pair: Pair) -> Iterator[Server]:
    """A server with a certificate, that many tests ask."""
    headers = "http_server_config: {http2: true, headers: {X-Frame-Options: deny, Content-Security-Policy: none}}"
    with secure(tmp_path_factory.mktemp("web"), config(pair, rest=headers), authority) as running:
        yield running


def test_both_ports(server: Server) -> None:
    """Both ports speak TLS, with all that they say otherwise, and the headers that are configured."""
    for port, path, said in (
        (server.main, "/metrics", "kube_pods_info"),
        (server.telemetry, "/metrics", "ksm_shard_web_config_last_reload_successful"),
        (server.main, "/livez", "alive"),
    ):
        answer = server.get(path, port=port)
        assert (answer.status, said in answer.text, answer.headers["x-frame-options"]) == (200, True, "deny")
    # The page has a policy of its own, which knows its style sheet, and a link to the other port.
    page = server.get("/")
    assert page.headers["content-security-policy"] != "none"
    assert f"https://127.0.0.1:{server.telemetry}/" in page.text
    assert server.get("/nothing").headers["content-security-policy"] == "none"


def test_plain_http(server: Server) -> None:
    """Who speaks plain HTTP is told so, on both ports, and anything else that is no handshake gets no more."""
    plain = dataclasses.replace(server, context=None)
    for port in server.main, server.telemetry:
        answer = plain.get("/metrics", port=port, authorization="Basic YTpi")
        assert (answer.status, answer.text) == (400, REASONS["plain"][1] + "\n")
    for garbage in (
        b"\x00\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x03\x01\x00\x05hello",
        b"\x80\x2e\x01\x00\x02\n\n",
    ):
        with server.connect() as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            assert b"200 OK" not in client.recv(1 << 16)
    assert server.get("/livez").status == 200


def hello(authority: Authority) -> bytes:
    """The first flight of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context(authority).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=6), st.binary(max_size=40), st.booleans())
def test_any_handshake(
    server: Server, authority: Authority, changes: list[tuple[int, int]], more: bytes, cut: bool
) -> None:
    """A handshake that is changed anywhere, cut off or followed by anything costs its own connection and no more."""
    said = bytearray(hello(authority))
    for position, value in changes:
        said[position % len(said)] = value
    with server.connect() as client, contextlib.suppress(ConnectionError):
        client.sendall(said[: len(said) // 2] if cut else bytes(said) + more)
        client.shutdown(socket.SHUT_WR)
        while piece := client.recv(1 << 16):
            assert b"200 OK" not in piece
    assert server.get("/livez").status == 200


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
@pytest.mark.parametrize("switch", ["--http2", "--http1.1", "--tlsv1.3", "--tls-max=1.2"])
def test_curl(server: Server, authority: Authority, switch: str) -> None:
    """A client gets HTTP/1.1, whatever it would like, and a whole answer."""
    words = switch.split("=")
    command = [
        str(CURL),
        "-sS",
        "--compressed",
        *words,
        "--cacert",
        authority.cert,
        "-w",
        "%{http_version} %{http_code}",
    ]
    command.append(f"https://127.0.0.1:{server.main}/metrics")
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, "1.1 200", "")


@pytest.mark.parametrize("cuts", [1, 7, 40])
def test_bytes_in_any_pieces(server: Server, authority: Authority, cuts: int) -> None:
    """Records may arrive in pieces, and a record may hold two requests: none is lost in a buffer that no poller sees."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(authority).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with server.connect() as client:

        def flush() -> None:
            data = outgoing.read()
            for start in range(0, len(data), cuts):
                client.sendall(data[start : start + cuts])

        shaken = False
        while not shaken:
            try:
                tls.do_handshake()
                shaken = True
            except ssl.SSLWantReadError:
                flush()
                incoming.write(client.recv(1 << 16))
        tls.write(REQUEST + REQUEST)  # in the same flight as the end of the handshake
        flush()
        said = b""
        while said.count(b"alive\n") < 2:
            try:
                said += tls.read(1 << 16)
            except ssl.SSLWantReadError:
                piece = client.recv(1 << 16)
                assert piece, said
                incoming.write(piece)

    assert said.count(b"200 OK") == 2


def test_goodbye(server: Server, authority: Authority) -> None:
    """An answer that ends the connection ends with TLS' own goodbye, by which a client knows that it was not cut off."""
    with context(authority).wrap_socket(
        server.connect(), server_hostname="127.0.0.1", suppress_ragged_eofs=False
    ) as client:
        client.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        said = b""
        while piece := client.recv(1 << 16):
            said += piece

    assert said.endswith(b"alive\n")


def status(server: Server, authority: Authority, client: Pair | None) -> int:
    """The status that a client with that certificate gets, 0 if it is not let in."""
    try:
        return dataclasses.replace(server, context=context(authority, client)).get("/livez").status
    except OSError:
        return 0


@pytest.mark.parametrize(
    ("policy", "nobody", "ours", "other"),
    [
        ("NoClientCert", 200, 200, 200),
        ("RequestClientCert", 200, 200, 200),
        ("RequireAnyClientCert", 0, 200, 200),
        ("VerifyClientCertIfGiven", 200, 200, 0),
        ("RequireAndVerifyClientCert", 0, 200, 0),
    ],
)
def test_client_certificates(
    tmp_path: Path, authority: Authority, pair: Pair, stranger: Pair, policy: str, nobody: int, ours: int, other: int
) -> None:
    """Each policy lets in whom its name says: nobody's, one that our authority signed, one that another did."""
    more = f", client_auth_type: {policy}"
    if policy != "NoClientCert":
        more += f", client_ca_file: {authority.cert}"
    with secure(tmp_path, config(pair, more), authority) as server:
        found = [status(server, authority, client) for client in (None, authority.client(), stranger)]
        assert [nobody, ours, other] == found
        if nobody:
            counted = server.get("/metrics", port=server.telemetry).text
            dropped = 'ksm_shard_connections_dropped_total{reason="handshake"}'
            assert f"{dropped} {float(not other)}" in counted


def test_certificates_that_are_not_right(tmp_path: Path, authority: Authority, pair: Pair) -> None:
    """No client is let in by one that has expired, is for servers, is of itself, or of somebody who is no authority of ours."""
    ours = authority.client()
    namesake = Authority(tmp_path / "namesake")
    wrong = {
        "expired": authority.issue("expired", "DNS:prometheus.example", "clientAuth", days=-1),
        "for servers": authority.issue("for-servers", "DNS:prometheus.example", "serverAuth"),
        "of a namesake of the authority": namesake.client(),
        "signed by itself": Pair(namesake.cert, tmp_path / "namesake" / "authority.key"),
        "signed by a client": authority.of(ours).client("signed-by-a-client"),
        "the server's own": pair,
    }
    more = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.cert}"
    for client in wrong.values():
        context(authority, client)  # each can be shown, so that it is the server that refuses it
    with secure(tmp_path, config(pair, more), authority) as server:
        assert status(server, authority, ours) == 200
        assert {name: status(server, authority, client) for name, client in wrong.items()} == dict.fromkeys(wrong, 0)


@pytest.mark.parametrize(
    ("sans", "allowed", "let_in"),
    [
        ("DNS:prometheus.example,DNS:b", "prometheus.example", True),
        ("DNS:b,IP:10.0.0.1", "10.0.0.1", True),
        ("IP:FE80:0:0:0:0:0:0:1", "fe80::1", True),
        ("URI:spiffe://cluster/ns/monitoring", "spiffe://cluster/ns/monitoring", True),
        ("email:a@b.example", "a@b.example", True),
        ("DNS:Prometheus.example", "prometheus.example", False),
        ("DNS:x.prometheus.example,DNS:*.example", "prometheus.example", False),
    ],
)
def test_names_of_clients(
    tmp_path: Path, authority: Authority, pair: Pair, sans: str, allowed: str, let_in: bool
) -> None:
    """One of the subject alternative names has to be one that is listed, as Go writes it."""
    client = authority.client("named", sans)
    more = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.cert}"
    more += f", client_allowed_sans: ['{allowed}', other]"
    with secure(tmp_path, config(pair, more), authority) as server:
        assert (200 if let_in else 0) == status(server, authority, client)
        assert status(server, authority, authority.client()) == (200 if allowed == "prometheus.example" else 0)


@pytest.mark.parametrize(
    ("more", "good", "bad"),
    [
        (
            ", min_version: TLS13",
            {"minimum_version": ssl.TLSVersion.TLSv1_3},
            {"maximum_version": ssl.TLSVersion.TLSv1_2},
        ),
        (
            ", max_version: TLS12",
            {"maximum_version": ssl.TLSVersion.TLSv1_2},
            {"minimum_version": ssl.TLSVersion.TLSv1_3},
        ),
        (", cipher_suites: [TLS_AES_128_GCM_SHA256]", {}, {"maximum_version": ssl.TLSVersion.TLSv1_2}),
    ],
)
def test_versions(
    tmp_path: Path, authority: Authority, pair: Pair, more: str, good: dict[str, object], bad: dict[str, object]
) -> None:
    """What is outside of the versions is refused; with suites of TLS 1.3 alone, nothing older is left."""
    with secure(tmp_path, config(pair, more), authority) as server:
        for wanted, let_in in ((good, True), (bad, False)):
            client = context(authority)
            for name, value in wanted.items():
                setattr(client, name, value)
            try:
                found = dataclasses.replace(server, context=client).get("/livez").status == 200
            except ssl.SSLError:
                found = False
            assert let_in == found


def chosen(server: Server, client: ssl.SSLContext) -> str:
    """The suite that a handshake ends with; "" if it does not."""
    try:
        with client.wrap_socket(server.connect(), server_hostname="127.0.0.1") as sock:
            return (sock.cipher() or ("",))[0]
    except ssl.SSLError:
        return ""


def test_ciphers(tmp_path: Path, authority: Authority, pair: Pair) -> None:
    """Of TLS 1.2 the suites that are listed can be had, in the server's order, or in the client's if so told."""
    chacha, aes = "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"
    suites = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    for more, first in ("", chacha), (", prefer_server_cipher_suites: false", aes):
        with secure(
            tmp_path, config(pair, f", max_version: TLS12, cipher_suites: [{suites}]{more}"), authority
        ) as server:
            found = []
            for wanted in (f"{aes}:{chacha}", aes, "ECDHE-ECDSA-AES256-GCM-SHA384"):
                client = context(authority)
                client.set_ciphers(wanted)
                found.append(chosen(server, client))
            assert [first, aes, ""] == found


@pytest.mark.parametrize(
    ("listed", "refused"), [("X25519, CurveP384", ["prime256v1"]), ("CurveP521", ["X25519", "secp384r1"])]
)
def test_curves(tmp_path: Path, authority: Authority, pair: Pair, listed: str, refused: list[str]) -> None:
    """Of curves those that are listed can be had."""
    names = {"X25519": "X25519", "CurveP384": "secp384r1", "CurveP521": "secp521r1"}
    more = f", min_version: TLS13, curve_preferences: [{listed}]"
    with secure(tmp_path, config(pair, more), authority) as server:
        found = {}
        for curve in [*(names[name] for name in listed.split(", ")), *refused]:
            client = context(authority)
            client.set_ecdh_curve(curve)
            found[curve] = chosen(server, client) != ""
    assert {curve: curve not in refused for curve in found} == found


def test_slow_handshakes(tmp_path: Path, authority: Authority, pair: Pair) -> None:
    """Clients that stop in the middle of a handshake, or before it, hold no thread, and are let go with the header's deadline."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    deadline = 3.0
    with secure(tmp_path, config(pair), authority, f"--read-header={deadline}") as server:
        began = time.monotonic()
        crowd = [server.connect() for _ in range(100)]
        for client in crowd[:50]:
            client.sendall(hello)
        for path in ("/livez", "/metrics", "/"):
            assert server.get(path).status == 200
        assert time.monotonic() - began < deadline  # or a thread was waited for
        for client in crowd:
            assert client.recv(1) == b""
            client.close()
        dropped = 'ksm_shard_connections_dropped_total{reason="header"} 50.0'
        assert dropped in server.get("/metrics", port=server.telemetry).text


def serial(authority: Authority, server: Server) -> str:
    """The serial number of the certificate that a handshake shows now."""
    with context(authority).wrap_socket(server.connect(), server_hostname="127.0.0.1") as client:
        found = client.getpeercert() or {}
        return str(found["serialNumber"])


def expected(pair: Pair) -> str:
    """The serial number in a file."""
    command = ["openssl", "x509", "-in", str(pair.cert), "-noout", "-serial"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().removeprefix("serial=")


def alive(client: ssl.SSLSocket) -> bool:
    """Whether a connection goes on."""
    client.sendall(REQUEST)
    said = b""
    while not said.endswith(b"alive\n"):
        piece = client.recv(1 << 16)
        if not piece:
            return False
        said += piece
    return b"200 OK" in said


def test_certificates_change(tmp_path: Path, authority: Authority) -> None:
    """Scrapes each 0.2 s go on through twenty new certificates, and the next handshake has each.

    Half of them come as Kubernetes mounts a Secret, by a link that is moved; half are written over the old files one by one, so
    that certificate and key do not go together for a moment.
    """
    mounted, plain = tmp_path / "..data", Pair(tmp_path / "tls.crt", tmp_path / "tls.key")
    first = authority.issue("first")
    shutil.copy(first.cert, plain.cert)
    shutil.copy(first.key, plain.key)
    failed: list[str] = []
    kept: list[int] = []
    done = threading.Event()
    with secure(tmp_path, "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n", authority) as server:
        asked = dataclasses.replace(server, context=context(authority))

        def scrape() -> None:
            while not done.wait(0.2):
                try:
                    found = asked.get("/metrics", accept_encoding="gzip").status
                    kept.append(found)
                except OSError as error:
                    failed.append(str(error))

        with context(authority).wrap_socket(server.connect(), server_hostname="127.0.0.1") as long:
            assert alive(long)
            scraper = threading.Thread(target=scrape)
            scraper.start()
            for number in range(ROTATIONS):
                fresh = authority.issue(f"server-{number}")
                if number % 2:
                    folder = tmp_path / f"..{number}"
                    folder.mkdir()
                    shutil.copy(fresh.cert, folder / "tls.crt")
                    shutil.copy(fresh.key, folder / "tls.key")
                    link = tmp_path / "..data_tmp"
                    link.symlink_to(folder)
                    link.replace(mounted)
                    for name in "tls.crt", "tls.key":
                        (tmp_path / "new").symlink_to(Path("..data") / name)
                        (tmp_path / "new").replace(tmp_path / name)
                else:
                    for name, source in (("tls.crt", fresh.cert), ("tls.key", fresh.key)):
                        (tmp_path / name).unlink() if (tmp_path / name).is_symlink() else None
                        shutil.copy(source, tmp_path / name)
                assert expected(fresh) == serial(authority, server)
            done.set()
            scraper.join()
            # A connection from before them all goes on.
            assert alive(long)
        telemetry = server.get("/metrics", port=server.telemetry).text

    assert failed == []
    assert set(kept) == {200}
    assert f'ksm_shard_web_config_last_reload_successful{{filename="{tmp_path / "web.yml"}"}} 1.0' in telemetry


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("tls.crt", "-----BEGIN CERTIFICATE-----\nhalf"),
        ("tls.key", ""),
        ("web.yml", "tls_server_config: {cert_file: tls.crt, key_file: tls.key, nonsense: 1}"),
        ("web.yml", "tls_server_config: ["),
        ("web.yml", ""),  # TLS does not go away
        ("web.yml", None),
        ("tls.key", None),
    ],
)
def test_broken_files(tmp_path: Path, authority: Authority, pair: Pair, broken: str, text: str | None) -> None:
    """A file that is not right, or gone, changes nothing but the metric, until it is right again."""
    shutil.copy(pair.cert, tmp_path / "tls.crt")
    shutil.copy(pair.key, tmp_path / "tls.key")
    good = f'ksm_shard_web_config_last_reload_successful{{filename="{tmp_path / "web.yml"}"}}'
    with secure(tmp_path, "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n", authority) as server:
        before = (tmp_path / broken).read_bytes()
        if text is None:
            (tmp_path / broken).unlink()
        else:
            (tmp_path / broken).write_text(text)
        for _ in range(2):
            assert expected(pair) == serial(authority, server)
        assert f"{good} 0.0" in server.get("/metrics", port=server.telemetry).text
        (tmp_path / broken).write_bytes(before)
        assert server.get("/livez").status == 200
        assert f"{good} 1.0" in server.get("/metrics", port=server.telemetry).text


def worker_of(server: Server) -> int:
    """The process id of a server's worker."""
    return int(Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()[0])


def test_memory_of_handshakes(tmp_path: Path, authority: Authority, pair: Pair) -> None:
    """Handshakes leave nothing behind: a thousand of them, half of which keep no tickets, cost less than 3 MB."""
    with secure(tmp_path, config(pair), authority) as server:
        worker = worker_of(server)

        def resident() -> int:
            return int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def shake(times: int) -> None:
            older = context(authority)
            older.maximum_version = ssl.TLSVersion.TLSv1_2
            older.options |= ssl.OP_NO_TICKET
            for number in range(times):
                client = older if number % 2 else context(authority)
                with client.wrap_socket(server.connect(), server_hostname="127.0.0.1"):
                    pass

        shake(100)
        before = resident()
        shake(1000)
        eventually(lambda: resident() - before < 3 << 20, "handshakes are kept", lambda: str(resident() - before), 5)
