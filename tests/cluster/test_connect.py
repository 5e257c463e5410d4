"""Ways to the API server: which configuration is found, what is wrong with it, and that credentials do not grow old."""

import json
import re
import shutil
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import config
from kubernetes.client import Configuration

from ksm_shard.cluster import client, incluster
from ksm_shard.cluster.client import ApiServer, connect
from ksm_shard.cluster.config import CredentialsError
from ksm_shard.cluster.errors import ConfigurationError, Unauthorized, Unavailable
from ksm_shard.cluster.kubeconfig import rest_config
from tests.cluster.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers whatever it is asked."""
    with serving(lambda request: request.answer(b"abc")) as running:
        yield running


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Be outside of any cluster, and have no kubeconfig."""
    for name in (
        "KUBERNETES_SERVICE_HOST",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "usual"))


def kubeconfig(path: Path, url: str, user: dict[str, Any], authority: Path | None = None) -> str:
    """Write a kubeconfig with two contexts, of which the second is current."""
    contexts = [
        {"name": "other", "context": {"cluster": "other", "user": "me"}},
        {"name": "this", "context": {"cluster": "this", "user": "me"}},
    ]
    signed = {"certificate-authority-data": b64encode(authority.read_bytes()).decode()} if authority else {}
    clusters = [
        {"name": "other", "cluster": {"server": "http://192.0.2.1"}},
        {"name": "this", "cluster": {"server": url, **signed}},
    ]
    users = [{"name": "me", "user": user}]
    text = {"contexts": contexts, "clusters": clusters, "users": users, "current-context": "this"}
    path.write_text(json.dumps(text))
    return str(path)


def authorization(server: Server) -> list[str | None]:
    """Return what each request said of who asks."""
    return [request.headers["Authorization"] for request in server.requests]


def test_plain_url(server: Server) -> None:
    """An http URL needs nothing else, and is sent no credentials."""
    connect(server.url).get("/x", {}, "x/y").close()

    assert authorization(server) == [None]


def test_named_kubeconfig(server: Server, tmp_path: Path) -> None:
    """The current context of the kubeconfig says where, and its user who."""
    api = connect(kubeconfig=kubeconfig(tmp_path / "config", server.url, {"token": "secret"}))
    api.get("/x", {}, "x/y").close()

    assert authorization(server) == ["Bearer secret"]


def test_usual_kubeconfig(server: Server, tmp_path: Path) -> None:
    """Without any option the usual kubeconfig is read."""
    kubeconfig(tmp_path / "usual", server.url, {"username": "me", "password": "secret"})
    connect().get("/x", {}, "x/y").close()

    assert authorization(server) == ["Basic bWU6c2VjcmV0"]


def test_url_overrides_the_kubeconfig(server: Server, tmp_path: Path) -> None:
    """The server of the kubeconfig is replaced, for every request; its user stays."""
    path = kubeconfig(tmp_path / "config", "http://192.0.2.1", {"token": "secret"})
    api = connect(server.url + "/", path)
    for _ in range(2):
        api.get("/x", {}, "x/y").close()

    assert authorization(server) == ["Bearer secret"] * 2
    assert server.requests[0].path == "/x"


@pytest.fixture
def service_account(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a pod: return the folder of its service account, whose authority is that of nobody's certificate."""
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text(certificate(tmp_path, "authority").read_text())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.server_port))
    monkeypatch.setattr(incluster, "FOLDER", tmp_path)
    return tmp_path


def test_in_cluster(service_account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pod the API server is the one of the environment, of which a certificate of the cluster's authority is expected."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(service_account / "authority.pem")
    with serving(lambda request: request.answer(b"abc")) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.server_port))
        assert connect().get("/x", {}, "x/y").body() == b"abc"
        assert authorization(server) == ["Bearer first"]

        (service_account / "ca.crt").write_text(certificate(service_account, "other").read_text())
        with pytest.raises(Unavailable, match="certificate verify failed"):
            connect().get("/x", {}, "x/y")


def test_a_token_that_is_replaced(service_account: Path) -> None:
    """The service account's token is read again each minute, as the kubelet replaces it."""
    file, now = service_account / "token", [0.0]
    token = incluster.ServiceAccountToken(file, lambda: now[0])
    assert token.authorization() == "Bearer first"
    file.write_text("second")
    now[0] = 59.0
    assert token.authorization() == "Bearer first"
    now[0] = 60.0
    assert token.authorization() == "Bearer second"
    for broken in (lambda: file.write_text(" \n"), file.unlink):
        broken()
        now[0] += 60.0
        with pytest.raises(CredentialsError, match=f"^{file}(: No such file or directory| is empty)$"):
            token.authorization()


def test_an_authority_that_is_none(service_account: Path) -> None:
    """A certificate that cannot be read is named at the start: no request could succeed."""
    (service_account / "ca.crt").write_text("a certificate")
    why = rf"^the certificates for https://127\.0\.0\.1:\d+ cannot be used: {service_account}/ca.crt: [A-Z_]+$"
    with pytest.raises(ConfigurationError, match=why):
        connect()


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_half_a_service_account(missing: str, service_account: Path) -> None:
    """A pod whose service account is not mounted is told so."""
    (service_account / missing).unlink()
    with pytest.raises(ConfigurationError, match="not in a cluster"):
        connect()


def test_without_the_package() -> None:
    """In a pod, and with a plain URL, the kubernetes package is not imported: it takes 0.13 s and 20 MB."""
    program = (
        "import sys; from ksm_shard.cluster.client import connect; connect('http://127.0.0.1:1');"
        "sys.exit('kubernetes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names is asked."""
    monkeypatch.setenv("http_proxy", server.url)
    connect("http://elsewhere.invalid").get("/x", {}, "x/y").close()

    assert [request.path for request in server.requests] == ["http://elsewhere.invalid/x"]


def test_exec_plugin(server: Server, tmp_path: Path) -> None:
    """A plugin is run at the start, twice if its token has expired by then, and again whenever it has."""
    plugin = tmp_path / "plugin"
    plugin.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib\n"
        f"count = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "count.write_text(count.read_text() + 'x' if count.exists() else 'x')\n"
        "status = {'token': f'run{len(count.read_text())}', 'expirationTimestamp': '2020-01-01T00:00:00Z'}\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential', 'status': status}))\n"
    )
    plugin.chmod(0o755)
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }
    api = connect(kubeconfig=kubeconfig(tmp_path / "config", server.url, user))
    for _ in range(2):
        api.get("/x", {}, "x/y").close()

    assert authorization(server) == ["Bearer run3", "Bearer run4"]


def test_refused_credentials_are_loaded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 401 reads the kubeconfig again, for the sake of all that no hook renews, but not at every attempt."""
    with serving(lambda request: request.answer({}, 401)) as server:
        path = kubeconfig(tmp_path / "config", server.url, {"token": "old"})
        api = connect(kubeconfig=path)
        kubeconfig(tmp_path / "config", server.url, {"token": "new"})
        for wait in (30, 0, 30):
            monkeypatch.setattr(client, "RELOAD_AFTER", wait)
            with pytest.raises(Unauthorized):
                api.get("/x", {}, "x/y")

        assert authorization(server) == ["Bearer old", "Bearer old", "Bearer new"]

        Path(path).unlink()
        monkeypatch.setattr(client, "RELOAD_AFTER", 0)
        for _ in range(2):
            with pytest.raises(Unauthorized):
                api.get("/x", {}, "x/y")
        assert authorization(server)[-1] == "Bearer new"


def certificate(folder: Path, name: str) -> Path:
    """Return a file with a new key and a certificate of its own for 127.0.0.1."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("there is no openssl")
    path = folder / f"{name}.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(folder / "certificate")]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text((folder / "certificate").read_text() + path.read_text())
    return path


def test_another_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster whose certificates are signed by another authority is met with the kubeconfig as it is by then."""
    old, new = certificate(tmp_path, "old"), certificate(tmp_path, "new")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(new)
    monkeypatch.setattr(client, "RELOAD_AFTER", 0)
    with serving(lambda request: request.answer(b"abc")) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        path = kubeconfig(tmp_path / "config", url, {"token": "secret"}, old)
        api = connect(kubeconfig=path)
        kubeconfig(tmp_path / "config", url, {"token": "secret"}, new)

        with pytest.raises(Unavailable, match="certificate verify failed"):
            api.get("/x", {}, "x/y")
        assert api.get("/x", {}, "x/y").body() == b"abc"


def test_no_way() -> None:
    """Outside of a cluster, without a kubeconfig and without a URL, one line says what would help."""
    with pytest.raises(
        ConfigurationError, match=r"^no API server: not in a cluster .*--kubeconfig FILE and --apiserver URL$"
    ):
        connect()


@pytest.mark.parametrize("url", ["127.0.0.1:6443", "ftp://host", "https://", ""])
def test_wrong_url(url: str) -> None:
    """A URL that is none says what one looks like."""
    with pytest.raises(ConfigurationError, match=r"^--apiserver: expected http://HOST:PORT"):
        connect(url)


@pytest.mark.parametrize(
    "text",
    [None, "", "[]", "{", "a: b", '{"current-context": "x", "contexts": [], "clusters": [], "users": []}', "\x00"],
)
def test_broken_kubeconfig(text: str | None, tmp_path: Path) -> None:
    """A kubeconfig that is missing, empty, no YAML, or not one at all is an error of one line that names the file."""
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        connect(kubeconfig=str(path))

    assert str(caught.value).startswith(f"kubeconfig {path}: ")
    assert str(caught.value).endswith(": no such file") is (text is None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("text", "expected a kubeconfig, got something else ("),
        ("users: [{user: {token: *SECRET}}]", "is not YAML: line 1, column 24: found undefined alias ..."),
        ("users: [{user: {token: SECRET]", "is not YAML: line 1, column 30: expected ',' or '}', but got ']'"),
    ],
)
def test_what_is_wrong_with_a_kubeconfig(text: str, why: str, tmp_path: Path) -> None:
    """The line says it in words that are not Python's, and has no token."""
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=re.escape(f"kubeconfig {path}: {why}")) as caught:
        connect(kubeconfig=str(path))
    assert "SECRET" not in str(caught.value)


class Older(Configuration):
    """As before version 36 of the package, which did not know the second argument."""

    def get_api_key_with_prefix(self, identifier: str) -> str | None:
        return None


class Failing(Configuration):
    """A login that trips over what somebody's plugin printed."""

    def get_api_key_with_prefix(self, identifier: str, alias: str | None = None) -> str | None:
        return str(len(None))  # type: ignore[arg-type]


def test_a_call_of_ours_that_does_not_fit() -> None:
    """A package that does not take our arguments is no API server in trouble: nobody asks again, the start fails."""
    with pytest.raises(TypeError, match="alias"):
        ApiServer(lambda: rest_config(Older()))


def test_a_login_that_fails_within() -> None:
    """A TypeError of what a login does is one of its failures, and may be gone later."""
    api = ApiServer(lambda: rest_config(Failing()))
    with pytest.raises(Unavailable, match="the credentials could not be renewed: object of type 'NoneType'"):
        api.get("/x", {}, "x/y")
