"""The web configuration: what is accepted and what is not, file by file, held against Prometheus' own tool where it is installed.

The files name certificates that are made for the test. Those in `newer` use what promtool of Debian 12 does not know yet; their
answers are those of exporter-toolkit 0.17. What a configuration does is tested in the files about TLS and about passwords.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ksm_shard.web.nodes import BadConfig
from ksm_shard.web.webconfig import parse
from ksm_shard.web.webfile import WebFile, notes
from tests.web.certificates import Authority

CASES = Path(__file__).parent / "webconfig"
PROMTOOL = shutil.which("promtool")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificates that the files name, and the files."""
    folder = tmp_path_factory.mktemp("webconfig")
    authority = Authority(folder)
    authority.issue("server")
    authority.client()
    for case in CASES.rglob("*.yml"):
        shutil.copy(case, folder)
    return folder


def problem(file: Path) -> str:
    """What is wrong with a file; "" if it can be used."""
    try:
        WebFile(str(file))
    except BadConfig as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", sorted(CASES.rglob("*.yml")), ids=lambda case: case.stem)
def test_table(folder: Path, case: Path) -> None:
    """A file whose name says good is accepted; one that says bad gets one line, which names a file."""
    found = problem(folder / case.name)

    assert ("" if case.stem.endswith(".good") else found) == found
    if case.stem.endswith(".bad"):
        assert found.startswith(str(folder))
        assert "\n" not in found


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_agrees(folder: Path) -> None:
    """Prometheus' own tool accepts the good ones and none of the others."""
    told = {}
    for case in CASES.glob("*.yml"):
        command = [str(PROMTOOL), "check", "web-config", str(folder / case.name)]
        told[case.stem] = subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert {name: name.endswith(".good") for name in told} == told


@settings(max_examples=100)
@given(
    st.sampled_from(["server.crt", "server.key", "authority.crt", "web.yml"]),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=5),
    st.sampled_from(["", "cut", "twice"]),
)
def test_any_files(folder: Path, name: str, changes: list[tuple[int, int]], how: str) -> None:
    """A file with any bytes changed, cut off or doubled is used or refused in one line that names a file; keys are in none."""
    damaged = folder / "damaged"
    damaged.mkdir(exist_ok=True)
    for file in ("server.crt", "server.key", "authority.crt"):
        shutil.copy(folder / file, damaged)
    text = "cert_file: server.crt, key_file: server.key, client_ca_file: authority.crt, client_auth_type: RequireAnyClientCert"
    (damaged / "web.yml").write_text(f"tls_server_config: {{{text}}}\nbasic_auth_users: {{a: $2y$10${'a' * 53}}}\n")
    content = bytearray((damaged / name).read_bytes())
    for position, value in changes:
        content[position % len(content)] = value
    (damaged / name).write_bytes({"cut": content[: len(content) // 2], "twice": content * 2}.get(how, content))

    found = problem(damaged / "web.yml")
    assert "\n" not in found
    assert not found or str(damaged) in found
    assert "PRIVATE KEY" not in found


def test_inline(folder: Path) -> None:
    """Certificate, key and authority may stand in the file itself."""
    indented = {
        name: (folder / file).read_text().replace("\n", "\n    ")
        for name, file in (("cert", "server.crt"), ("key", "server.key"), ("client_ca", "authority.crt"))
    }
    lines = [f"  {name}: |\n    {text}" for name, text in indented.items()]
    file = folder / "inline.yml"
    file.write_text("tls_server_config:\n" + "\n".join([*lines, "  client_auth_type: RequireAndVerifyClientCert\n"]))

    assert problem(file) == ""


def test_keys_with_a_passphrase(folder: Path) -> None:
    """Nobody is asked for one."""
    command = [
        "openssl",
        "ec",
        "-in",
        folder / "server.key",
        "-aes256",
        "-passout",
        "pass:x",
        "-out",
        folder / "locked.key",
    ]
    subprocess.run(command, check=True, capture_output=True)
    file = folder / "locked.yml"
    file.write_text("tls_server_config: {cert_file: server.crt, key_file: locked.key}\n")

    assert "cert_file and key_file are no certificate and its key" in problem(file)


def test_nothing_secret_is_shown(folder: Path) -> None:
    """Neither a key nor a hash is in what is printed of a configuration, nor in what is said against one."""
    config = parse(
        b"tls_server_config: {cert: a, key: SECRET}\nbasic_auth_users: {alice: $2y$10$" + b"S" * 53 + b"}\n", folder
    )

    assert "SECRET" not in repr(config)
    assert "SSS" not in repr(config)
    with pytest.raises(BadConfig) as error:
        parse(b"basic_auth_users: {alice: SECRET}", folder)
    assert "SECRET" not in str(error.value)
    for text in (
        b'{key: "SECRET',
        b"{key: SECRET]",
        b"{key: *SECRET}",
        b"{key: &SECRET a, cert: &SECRET b}",
        b"{<<: SECRET}",
    ):
        with pytest.raises(BadConfig) as error:
            parse(b"tls_server_config: " + text, folder)
        assert "SECRET" not in str(error.value)


def test_notes(folder: Path) -> None:
    """What is accepted and is not what one may think is said in a line each."""
    text = b"tls_server_config: {cert: a, key: b, client_auth_type: RequireAndVerifyClientCert}\nhttp_server_config: {http2: true}"
    both = notes(parse(text, folder))
    open_line = notes(parse(b"basic_auth_users: {alice: $2y$10$" + b"S" * 53 + b"}", folder))

    assert [line.partition(":")[0] for line in both] == ["http2", "client_auth_type"]
    assert [line.partition(":")[0] for line in open_line] == ["basic_auth_users"]


@given(st.binary(max_size=200) | st.text(alphabet="tls_ervconfig:{}[]&*<!|>-'\"#\n 0", max_size=200).map(str.encode))
def test_anything(content: bytes) -> None:
    """Whatever a file holds, it is read or it is refused in one line."""
    said = ""
    try:
        parse(content, Path("/nowhere"))
    except BadConfig as error:
        said = str(error)

    assert "\n" not in said
