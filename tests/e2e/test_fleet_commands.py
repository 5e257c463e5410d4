"""`ksm-shard check` and `plan`, asking real shards. What they make of the answers is in tests/commands."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from ksm_shard import cli
from ksm_shard.simulator.simulator import Simulator
from tests.e2e.test_storm import pod
from tests.processes import Exporter, eventually, fleet
from tests.web.certificates import Authority

PODS = 60


@pytest.fixture(scope="module")
def shards() -> Iterator[list[Exporter]]:
    """Three shards of one fleet."""
    simulator = Simulator([pod(f"p{number}", "Running", 0) for number in range(PODS)])
    with simulator as serving, fleet(3, f"--apiserver={serving.url}", "--resources=pods") as exporters:
        yield exporters


def run(*words: str) -> tuple[int, str]:
    """Return the exit status and the output of a command."""
    done = subprocess.run([sys.executable, "-m", "ksm_shard", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_check_proves_that_a_fleet_is_right(shards: list[Exporter]) -> None:
    """A line for each shard, and the proof: every object once."""
    status, text = run("check", *(shard.url for shard in shards))

    assert status == 0, text
    assert f"right: 3 shards export {PODS} objects, each once" in text


def test_check_says_which_shard_is_missing(shards: list[Exporter]) -> None:
    """Two of three shards are not the whole fleet."""
    status, text = run("check", *(shard.url for shard in shards[:2]))

    assert status == 1
    assert "wrong: of 3 shards these did not answer: 2" in text
    assert "slots are held by no shard" in text


def test_plan_counts_what_the_running_shards_have(shards: list[Exporter]) -> None:
    """From 3 to 6 half of everything moves."""
    status, text = run("plan", "--from=3", "--to=6", *(f"--url={shard.url}" for shard in shards))

    assert status == 0, text
    assert "3 -> 6 shards: 32767 of 65536 slots move, 50.0%, about 30 objects" in text
    assert ", 0 series" not in text.splitlines()[0]


def test_shards_that_ask_who_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over TLS with a password and a certificate, or a token through the filter; without one a line says what lacks."""
    authority = Authority(tmp_path)
    pair, client = authority.issue("server"), authority.client()
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    tls = f"cert_file: {pair.cert}, key_file: {pair.key}"
    mutual = f"{tls}, client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authority.cert}"
    (tmp_path / "web.yml").write_text(f"tls_server_config: {{{mutual}}}\nbasic_auth_users: {{alice: '{hashed}'}}\n")
    (tmp_path / "plain.yml").write_text(f"tls_server_config: {{{tls}}}\n")
    (tmp_path / "secret").write_text("secret\n")
    ours = "ca_file: authority.crt, server_name: localhost"
    shown = {
        "password": f"tls_config: {{{ours}, cert_file: {client.cert}, key_file: {client.key}}}\n"
        "basic_auth: {username: alice, password_file: secret}\n",
        "token": f"tls_config: {{{ours}}}\nauthorization: {{credentials: good}}\n",
    }
    with Simulator([pod("p", "Running", 0)]) as simulator:
        simulator.reviews.allow("good", "alice", "/shard")
        flags = [f"--apiserver={simulator.url}", "--resources=pods"]
        with (
            Exporter(*flags, f"--tls-config={tmp_path / 'web.yml'}") as one,
            Exporter(*flags, f"--tls-config={tmp_path / 'plain.yml'}", "--auth-filter") as other,
        ):
            for way, shard in ("password", one), ("token", other):
                file = tmp_path / f"{way}.yml"
                file.write_text(shown[way])
                words = ["check", shard.url, f"--http.config.file={file}"]
                eventually(lambda words=words: cli.main(words) == 0, way, lambda: str(capsys.readouterr()))  # type: ignore[misc]
                assert "right: 1 shards export 1 objects, each once" in capsys.readouterr().out
                plan = ["plan", "--from=1", "--to=2", "--objects=9", f"--url={shard.url}", f"--http.config.file={file}"]
                assert cli.main(plan) == 0
                planned = capsys.readouterr().out
                assert "series, 0 B of pages" not in planned.splitlines()[0]
                assert planned.endswith(" over TLS\n")
            file.write_text(f"tls_config: {{{ours}}}\n")
            assert cli.main(["plan", "--from=1", "--to=2", f"--url={other.url}", f"--http.config.file={file}"]) == 1
            said = f"ksm-shard: {other.url}: 401 Unauthorized: --http.config.file names who asks\n"
            assert said == capsys.readouterr().err
