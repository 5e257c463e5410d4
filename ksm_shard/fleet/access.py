"""Credentials for shards, from the HTTP client configuration of `--http.config.file`.

The file is promtool's and a scrape configuration's own: `basic_auth`, `authorization` and `tls_config`, of which any key that is
not known here is refused. A password or a token is in it or in a file that it names, never among the arguments of a process,
which every user of a machine can read.
"""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ksm_shard.settings.options import UsageError
from ksm_shard.web import nodes
from ksm_shard.web.nodes import BadConfig


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials that a client shows to each shard.

    Attributes:
        authorization: value of the header of that name; "" for none.
        context: for shards that speak TLS; None for the system's authorities and no certificate.
    """

    authorization: str = field(default="", repr=False)
    context: ssl.SSLContext | None = None


OPEN: Final = Access()


def access_of(name: str) -> Access:
    """Read a configuration; OPEN for the name "".

    Raises:
        UsageError: the file, or one that it names, cannot be used.
    """
    if not name:
        return OPEN
    where = "--http.config.file"
    try:
        content = _content(Path(name)).encode()  # an error names the file itself
        where += f": {name}"
        return parse(content, Path(name).parent)
    except BadConfig as error:
        raise UsageError(f"{where}: {error}") from None


def parse(content: bytes, folder: Path) -> Access:
    """Read the content of a configuration, whose paths are relative to a folder.

    Raises:
        BadConfig: the content, or a file that it names, cannot be used.
    """
    found = nodes.fields(nodes.first_document(content), "", dict.fromkeys(_SECTIONS, nodes.section))
    sections = {key: nodes.fields(node, key, _SECTIONS[key]) for key, node in found.items()}
    if "basic_auth" in sections and "authorization" in sections:
        raise BadConfig("basic_auth and authorization are one header: give one of them")
    basic, bearer = sections.get("basic_auth"), sections.get("authorization")
    said = _basic(basic, folder) if basic is not None else _bearer(bearer, folder) if bearer is not None else ""
    return Access(said, _context(sections["tls_config"], folder) if "tls_config" in sections else None)


class _NamedContext(ssl.SSLContext):
    """A context that holds certificates against one name, whatever the address was."""

    name: str

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**kwargs, "server_hostname": self.name})


def _basic(section: Mapping[str, Any], folder: Path) -> str:
    pair = f"{_one_of(section, 'basic_auth', 'username', folder)}:{_one_of(section, 'basic_auth', 'password', folder)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _bearer(section: Mapping[str, Any], folder: Path) -> str:
    scheme = section.get("type") or "Bearer"
    if scheme.lower() == "basic":
        raise BadConfig("authorization: type: Basic is basic_auth's")
    said = f"{scheme} {_one_of(section, 'authorization', 'credentials', folder)}"
    if not (said.isascii() and said.isprintable()):
        raise BadConfig("authorization: the credentials have a character that no header may have")
    return said


def _one_of(section: Mapping[str, Any], where: str, key: str, folder: Path) -> str:
    """Return a text that is given, or that a file has; Prometheus takes whitespace around it away as well."""
    given, file = section.get(key, ""), section.get(f"{key}_file", "")
    if given and file:
        raise BadConfig(f"{where}: {key} and {key}_file: give one of them")
    if not (given or file):
        raise BadConfig(f"{where}: {key} is missing, or {key}_file")
    return _content(folder / file).strip() if file else given


def _context(section: Mapping[str, Any], folder: Path) -> ssl.SSLContext:
    made = (
        _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
        if section.get("server_name")
        else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    if isinstance(made, _NamedContext):
        made.name = section["server_name"]
    if section.get("insecure_skip_verify"):
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    authorities, cert, key = (section.get(name, "") for name in ("ca_file", "cert_file", "key_file"))
    if bool(cert) != bool(key):
        raise BadConfig("tls_config: cert_file and key_file belong together")
    if authorities:
        _load(folder / authorities, "ca_file", made.load_verify_locations, folder / authorities)
    else:
        made.load_default_certs()
    if cert:
        # A key with a passphrase would be asked for it, on a terminal.
        _load(folder / cert, "cert_file", made.load_cert_chain, folder / cert, folder / key, lambda: b"")
    return made


def _load(path: Path, key: str, load: Any, *arguments: Any) -> None:
    """Have a context read files, whose errors name none."""
    try:
        load(*arguments)
    except (OSError, ValueError) as error:  # OpenSSL's own errors are OSErrors
        reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or error
        raise BadConfig(f"tls_config: {key}: {path}: {reason}") from None


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise BadConfig(f"{path}: cannot be read: {getattr(error, 'strerror', '') or error}") from None


_SECTIONS: Final[Mapping[str, Mapping[str, nodes.Field]]] = {
    "basic_auth": dict.fromkeys(("username", "username_file", "password", "password_file"), nodes.text),
    "authorization": dict.fromkeys(("type", "credentials", "credentials_file"), nodes.text),
    "tls_config": {
        **dict.fromkeys(("ca_file", "cert_file", "key_file", "server_name"), nodes.text),
        "insecure_skip_verify": nodes.boolean,
    },
}
