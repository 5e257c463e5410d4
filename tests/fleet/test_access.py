"""Credentials of `check` and `plan`: which files are accepted, and what shards are shown. Real shards are asked in tests/e2e."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.fleet.access import OPEN, access_of, parse
from ksm_shard.settings.options import UsageError
from ksm_shard.web.nodes import BadConfig
from tests.web.certificates import Authority

PROMTOOL = shutil.which("promtool")
GOOD = {
    "nothing": "",
    "empty sections": "basic_auth:\ntls_config: {}",
    "password": "basic_auth: {username: alice, password: SECRET}",
    "password in a file": "basic_auth: {username: alice, password_file: secret}",
    "token": "authorization: {credentials: SECRET}",
    "token in a file": "authorization: {type: bearer, credentials_file: secret}",
    "all of TLS": "tls_config: {ca_file: authority.crt, cert_file: prometheus.crt, key_file: prometheus.key, server_name: a}",
    "no verification": "tls_config: {insecure_skip_verify: true}",
}
# With the part of the line that says what is wrong.
BAD = {
    "another key": ("basic: {}", "basic: no such key; there are basic_auth, authorization, tls_config"),
    "another key of a section": ("tls_config: {ca: a.crt, cacert: b}", "no such key"),
    "both": ("basic_auth: {username: a, password: SECRET}\nauthorization: {credentials: SECRET}", "give one of them"),
    "password twice": ("basic_auth: {username: a, password: SECRET, password_file: secret}", "give one of them"),
    "no such file": ("authorization: {credentials_file: nowhere}", "nowhere: cannot be read: No such file"),
    "Basic as a type": ("authorization: {type: Basic, credentials: SECRET}", "type: Basic is basic_auth's"),
    "a certificate without its key": ("tls_config: {cert_file: prometheus.crt}", "belong together"),
    "no such authority": ("tls_config: {ca_file: nowhere}", "nowhere: No such file"),
    "no authority": ("tls_config: {ca_file: secret}", "secret: "),
    "another key file": ("tls_config: {cert_file: authority.crt, key_file: prometheus.key}", "authority.crt: "),
    "no YAML": ("basic_auth: [", "is not YAML"),
    "no YAML behind a password": (
        "basic_auth: {username: alice, password: SECRET]",
        "is not YAML: line 1, column 47: ",
    ),
    "a password that is an alias": ("basic_auth: {username: a, password: *SECRET}", "is not YAML: line 1, column 37: "),
    "no mapping": ("text", "must be keys and values"),
    "a key that is none": ("[a, b]: c", "a key: must be a single value"),
    "a list": ("[basic_auth]", "must be keys and values"),
    # Prometheus sends an empty one; such a token, and files of TLS, fail at its first request.
    "no password": ("basic_auth: {username: a}", "password is missing, or password_file"),
    "a token of two lines": ('authorization: {credentials: "SECRET\\nX: y"}', "a character that no header may have"),
}
STRICTER = {"no password", "a token of two lines", "no authority", "no such authority", "another key file"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the table names."""
    folder = tmp_path_factory.mktemp("access")
    Authority(folder).client()
    (folder / "secret").write_text("SECRET\n")
    return folder


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_good(folder: Path, text: str) -> None:
    """What is accepted shows shards the secret, wherever it was, and nobody who prints it."""
    (folder / "http.yml").write_text(text)
    access = access_of(str(folder / "http.yml"))
    pair = base64.b64encode(b"alice:SECRET").decode()

    assert access.authorization.split(" ")[-1] in {"", "SECRET", pair}
    assert (access.authorization != "") == ("alice" in text or "authorization" in text)
    assert (access.context is not None) == ("tls_config" in text)
    assert not any(secret in repr(access) for secret in ("SECRET", pair))


@pytest.mark.parametrize(("text", "wrong"), BAD.values(), ids=BAD)
def test_bad(folder: Path, text: str, wrong: str) -> None:
    """What is not right is one line that names the flag and the file, and has no secret."""
    (folder / "http.yml").write_text(text)
    with pytest.raises(UsageError) as error:
        access_of(str(folder / "http.yml"))
    (line,) = error.value.problems

    assert line.startswith(f"--http.config.file: {folder / 'http.yml'}: ")
    assert wrong in line
    assert "\n" not in line
    assert "SECRET" not in line


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_agrees(folder: Path) -> None:
    """As part of a scrape configuration Prometheus takes all that is good, and what is bad only where that is said."""
    told = {}
    for name, text in {**GOOD, **{name: text for name, (text, _) in BAD.items()}}.items():
        lines = "".join(f"    {line}\n" for line in text.splitlines())
        (folder / "prometheus.yml").write_text(f"scrape_configs:\n  - job_name: a\n{lines}")
        command = [str(PROMTOOL), "check", "config", str(folder / "prometheus.yml")]
        told[name] = subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert {name: name in GOOD or name in STRICTER for name in told} == told


def test_without_a_file() -> None:
    """No file is no credentials, and one that is not there is a mistake."""
    assert access_of("") is OPEN
    with pytest.raises(UsageError) as error:
        access_of("/nowhere/http.yml")
    assert str(error.value) == "--http.config.file: /nowhere/http.yml: cannot be read: No such file or directory"


# The system's authorities are loaded for each tls_config.
@settings(max_examples=50)
@given(
    st.binary(max_size=200)
    | st.dictionaries(
        st.sampled_from(["basic_auth", "authorization", "tls_config", "x"]),
        st.dictionaries(
            st.sampled_from(["username", "password", "credentials", "type", "ca_file"]), st.text(max_size=9)
        ),
    ).map(lambda value: yaml.safe_dump(value).encode())
)
def test_anything(content: bytes) -> None:
    """Whatever a file holds, it is one header that can be sent, or it is refused in one line."""
    wrong = said = ""
    try:
        said = parse(content, Path("/nowhere")).authorization
    except BadConfig as error:
        wrong = str(error)

    assert "\n" not in wrong
    assert said.isascii()
    assert said.isprintable() or not said
