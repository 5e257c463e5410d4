"""A real exporter with --tls-config and --auth-filter: Prometheus scrapes it in each way, and the API server says who may.

What is refused, spelt in which way, is in tests/web; here are the parts that only meet in a whole process.
"""

import base64
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import bcrypt
import pytest
import yaml

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.realapi import RealApi
from tests.e2e.test_storm import pod
from tests.processes import PATIENCE, Exporter, eventually
from tests.web.certificates import Authority, Pair

PROMETHEUS = shutil.which("prometheus")
CURL = shutil.which("curl")
DEPLOY = Path(__file__).parents[2] / "deploy"


def status(exporter: Exporter, authority: Authority, path: str, token: str = "", *, telemetry: bool = False) -> int:
    """The status of a path, by Python's own client."""
    at = urlsplit(exporter.telemetry if telemetry else exporter.url)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=PATIENCE)
    if at.scheme == "https":
        context = ssl.create_default_context(cafile=authority.cert)
        connection = http.client.HTTPSConnection(str(at.hostname), at.port, timeout=PATIENCE, context=context)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse().status
    finally:
        connection.close()


def configured(folder: Path, pair: Pair, more: str = "", rest: str = "") -> str:
    """The flag for a web configuration with that certificate."""
    folder.mkdir()
    (folder / "web.yml").write_text(
        f"tls_server_config: {{cert_file: {pair.cert}, key_file: {pair.key}{more}}}\n{rest}\n"
    )
    return f"--tls-config={folder / 'web.yml'}"


def curled(exporter: Exporter, *way: str) -> str:
    """The metrics that curl gets."""
    if CURL is None:
        pytest.skip("curl is not installed")
    command = [CURL, "--silent", "--show-error", "--fail", "--compressed", *way, f"{exporter.url}/metrics"]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


@contextmanager
def prometheus(folder: Path, jobs: list[dict[str, Any]]) -> Iterator[str]:
    """Run a Prometheus with these jobs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scraping = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": scraping, "scrape_configs": jobs}))
    command = [
        str(PROMETHEUS), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def asked(url: str, query: str) -> dict[str, set[str]]:
    """The values of a query, by job."""
    try:
        with urlopen(f"{url}/api/v1/query?query={query}", timeout=PATIENCE) as answer:
            found = json.loads(answer.read())["data"]["result"]
    except (OSError, ValueError):
        return {}
    values: dict[str, set[str]] = {}
    for one in found:
        values.setdefault(one["metric"]["job"], set()).add(one["value"][1])
    return values


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
def test_prometheus(tmp_path: Path) -> None:
    """Over TLS with a client's certificate, with a password, and with a token: all targets are up, and have the pod."""
    authority = Authority(tmp_path / "authority")
    pair, client = authority.issue("server"), authority.client()
    tls: dict[str, Any] = {"ca_file": str(authority.cert)}
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(10)).decode()
    mutual = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.cert}"
    mutual += ", client_allowed_sans: [prometheus.example]"
    ways: dict[str, tuple[list[str], dict[str, Any]]] = {
        "certificate": (
            [configured(tmp_path / "a", pair, mutual)],
            {"tls_config": {**tls, "cert_file": str(client.cert), "key_file": str(client.key)}},
        ),
        "password": (
            [configured(tmp_path / "b", pair, rest=f"basic_auth_users: {{prometheus: '{hashed}'}}")],
            {"tls_config": tls, "basic_auth": {"username": "prometheus", "password": "secret"}},
        ),
        "token": (
            [configured(tmp_path / "c", pair), "--auth-filter"],
            {"tls_config": tls, "authorization": {"credentials": "good"}},
        ),
        "nothing": ([configured(tmp_path / "d", pair), "--auth-filter"], {"tls_config": tls}),
    }
    with Simulator([pod("p", "Running", 0)]) as simulator, ExitStack() as stack:
        simulator.reviews.allow("good", "system:serviceaccount:monitoring:prometheus", "/metrics")
        jobs = []
        for name, (flags, way) in ways.items():
            one = stack.enter_context(Exporter(f"--apiserver={simulator.url}", "--resources=pods", *flags))
            targets = [one.url.removeprefix("https://"), one.telemetry.removeprefix("https://")]
            jobs.append({"job_name": name, "scheme": "https", "static_configs": [{"targets": targets}], **way})
        url = stack.enter_context(prometheus(tmp_path, jobs))
        expected = {name: {"0" if name == "nothing" else "1"} for name in ways}
        eventually(lambda: asked(url, "up") == expected, "not all are up", lambda: str(asked(url, "up")))
        shown = {name: {"1"} for name in ways if name != "nothing"}
        eventually(
            lambda: asked(url, "kube_pod_info") == shown, "the pod is missing", lambda: str(asked(url, "kube_pod_info"))
        )


def test_curl_and_python(tmp_path: Path) -> None:
    """With a client's certificate and a password at once both get a scrape; with one of these alone neither does."""
    authority = Authority(tmp_path / "authority")
    client = authority.client()
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    mutual = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.cert}"
    flag = configured(tmp_path / "a", authority.issue("server"), mutual, f"basic_auth_users: {{alice: '{hashed}'}}")
    trust = ["--cacert", str(authority.cert)]
    shown = ["--cert", str(client.cert), "--key", str(client.key)]
    context = ssl.create_default_context(cafile=authority.cert)
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator([pod("p", "Running", 0)]))
        with Exporter(f"--apiserver={simulator.url}", "--resources=pods", flag) as one:

            def scrape(password: str) -> str:
                pair = base64.b64encode(f"alice:{password}".encode()).decode()
                with urlopen(
                    Request(f"{one.url}/metrics", headers={"Authorization": f"Basic {pair}"}),
                    timeout=PATIENCE,
                    context=context,
                ) as answer:
                    return str(answer.read().decode())

            def ready() -> str:
                try:
                    return scrape("secret")
                except HTTPError as error:  # 503 until it has listed
                    error.close()
                    return ""

            with pytest.raises(OSError, match=r"certificate required|EOF|reset"):
                scrape("secret")
            context.load_cert_chain(client.cert, client.key)
            with pytest.raises(HTTPError, match="401") as refused:
                scrape("Secret")
            refused.value.close()
            eventually(lambda: "kube_pod_info{" in ready(), "it has no pod")
            assert "kube_pod_info{" in curled(one, *trust, *shown, "--user", "alice:secret")
            for way in [*trust, *shown], [*trust, "--user", "alice:secret"], [*trust, *shown, "--user", "alice:Secret"]:
                with pytest.raises(subprocess.CalledProcessError):
                    curled(one, *way)


def test_an_api_server_that_goes_away(tmp_path: Path) -> None:
    """Whoever was let in goes on; nobody else is let in, and probes do not care. It is told once what was asked."""
    authority = Authority(tmp_path / "authority")
    flags = [configured(tmp_path / "a", authority.issue("server")), "--auth-filter"]
    with Simulator([pod("p", "Running", 0)]) as simulator:
        simulator.reviews.allow("good", "prometheus", "/metrics")
        simulator.reviews.allow("other", "another", "/metrics")
        one = Exporter(f"--apiserver={simulator.url}", "--resources=pods", *flags)
        with ExitStack() as stack:
            stack.enter_context(one)
            eventually(lambda: status(one, authority, "/readyz") == 200, "it is not ready", lambda: "\n".join(one.log))
            for telemetry in False, True:
                for token, expected in (("", 401), ("bad", 401), ("good", 200)):
                    assert status(one, authority, "/metrics", token, telemetry=telemetry) == expected
            assert status(one, authority, "/shard", "good") == 403
            simulator.__exit__(None, None, None)
            assert status(one, authority, "/metrics", "good") == 200
            assert status(one, authority, "/metrics", "other") == 503
            assert status(one, authority, "/metrics") == 401
            assert status(one, authority, "/livez") == 200
            assert sum("cannot be asked" in line for line in one.log) == 1
            assert "good" not in "".join(line for line in one.log if "auth-filter" in line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "web.yml: cannot be read: No such file or directory"),
        ("tls_config: {}", "web.yml: tls_config: no such key; there are tls_server_config, http_server_config, "),
        ("tls_server_config: {cert_file: a.crt, key_file: a.key}", "a.crt: cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_start(tmp_path: Path, text: str | None, line: str) -> None:
    """One line that names the file, exit status 2, and no port is announced before it."""
    if text is not None:
        (tmp_path / "web.yml").write_text(text)
    command = [sys.executable, "-m", "ksm_shard", "--apiserver=http://127.0.0.1:9", "--port=0", "--telemetry-port=0"]
    command.append(f"--tls-config={tmp_path / 'web.yml'}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert done.stderr.startswith(f"ksm-shard: --tls-config: {tmp_path}/{line}")


@pytest.mark.real
def test_for_real(tmp_path: Path) -> None:
    """A real API server knows the tokens of its accounts: none, a bad one, one without the right, one with it.

    The exporter has what deploy/ gives it, and before that not the right to ask: then nobody is let in.
    """
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    authority = Authority(tmp_path / "authority")
    (tmp_path / "realapi").mkdir()
    with RealApi(tmp_path / "realapi") as server, server.admin() as api:

        def token_of(name: str) -> str:
            accounts = "/api/v1/namespaces/default/serviceaccounts"
            api("POST", accounts, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
            request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            return str(api("POST", f"{accounts}/{name}/token", request)["status"]["token"])

        def grant(file: str, name: str) -> None:
            role, binding = yaml.safe_load_all((DEPLOY / "auth-filter" / file).read_text())
            binding["subjects"] = [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]
            api("POST", f"{rbac}/clusterroles", role)
            api("POST", f"{rbac}/clusterrolebindings", binding)

        own, poor, rich = token_of("ksm-shard"), token_of("poor"), token_of("prometheus")
        role = yaml.safe_load((DEPLOY / "statefulset" / "clusterrole.yaml").read_text())
        api("POST", f"{rbac}/clusterroles", role)
        reader = yaml.safe_load((DEPLOY / "statefulset" / "clusterrolebinding.yaml").read_text())
        api("POST", f"{rbac}/clusterrolebindings", reader)
        grant("scraper.yaml", "prometheus")
        flags = [configured(tmp_path / "a", authority.issue("server")), "--auth-filter", "--resources=pods"]
        with Exporter(f"--kubeconfig={server.kubeconfig_of(own)}", *flags) as one:
            eventually(lambda: status(one, authority, "/readyz") == 200, "it is not ready", lambda: "\n".join(one.log))
            assert status(one, authority, "/metrics", rich) == 503
            grant("reviewer.yaml", "ksm-shard")
            eventually(
                lambda: status(one, authority, "/metrics", rich) == 200, "no right to ask", lambda: "\n".join(one.log)
            )
            for telemetry in False, True:
                for token, expected in (("", 401), ("bad", 401), (rich[:-4] + "AAAA", 401), (poor, 403), (rich, 200)):
                    assert status(one, authority, "/metrics", token, telemetry=telemetry) == expected
            assert status(one, authority, "/", rich) == 403
            way = ["--cacert", str(authority.cert), "--header", f"Authorization: Bearer {rich}"]
            curled(one, *way)  # which fails at a status that is no success
            if PROMETHEUS is not None:
                (tmp_path / "token").write_text(rich)
                job = {
                    "job_name": "real",
                    "scheme": "https",
                    "tls_config": {"ca_file": str(authority.cert)},
                    "authorization": {"credentials_file": str(tmp_path / "token")},
                    "static_configs": [{"targets": [urlsplit(one.url).netloc, urlsplit(one.telemetry).netloc]}],
                }
                with prometheus(tmp_path, [job]) as url:
                    eventually(lambda: asked(url, "sum(up)by(job)") == {"real": {"2"}}, "it does not scrape")
            assert not any(token in line for token in (own, poor, rich) for line in one.log)
