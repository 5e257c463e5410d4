"""The web configuration of `--tls-config`, which all Prometheus exporters share, read as strictly as exporter-toolkit does."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import yaml

from ksm_shard.web import nodes
from ksm_shard.web.nodes import BadConfig

# Policies for client certificates: whether one is asked for, has to be there, and is verified.
CLIENT_AUTH: Final = {
    "NoClientCert": (False, False, False),
    "RequestClientCert": (True, False, False),
    "RequireAnyClientCert": (True, True, False),
    "RequireClientCert": (True, True, False),  # the older name for it
    "VerifyClientCertIfGiven": (True, False, True),
    "RequireAndVerifyClientCert": (True, True, True),
}
VERSIONS: Final = ("TLS10", "TLS11", "TLS12", "TLS13")
# Those of Go's tls.CipherSuites, with OpenSSL's names. Those of TLS 1.3, as in Go, are always on.
CIPHERS: Final = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
CURVES: Final = {"CurveP256": "P-256", "CurveP384": "P-384", "CurveP521": "P-521", "X25519": "X25519"}
# Headers that may be configured, and the values that they may have; any where none are named.
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
# What Go's bcrypt.Cost takes.
HASH: Final = re.compile(r"\$2[^$]?\$(?:0[4-9]|[12][0-9]|3[01])\$.{53,}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """`tls_server_config`.

    Attributes:
        cert, key, client_ca: PEM, given inline.
        cert_file, key_file, client_ca_file: paths, which win over what is inline.
        client_allowed_sans: None where any name will do.
    """

    cert: str = ""
    key: str = field(default="", repr=False)
    client_ca: str = ""
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    client_auth_type: str = ""
    client_allowed_sans: tuple[str, ...] | None = None
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    curve_preferences: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True

    @property
    def enabled(self) -> bool:
        """Tell whether TLS is spoken at all."""
        return any(
            (
                self.cert,
                self.key,
                self.client_ca,
                self.cert_file,
                self.key_file,
                self.client_ca_file,
                self.client_auth_type,
            )
        )

    @property
    def requires_certificate(self) -> bool:
        """Tell whether a client without a certificate is refused."""
        return CLIENT_AUTH[self.client_auth_type or "NoClientCert"][1]

    @property
    def verifies_all(self) -> bool:
        """Tell whether each client has to show a certificate of a trusted authority."""
        return all(CLIENT_AUTH[self.client_auth_type or "NoClientCert"])

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it names."""
        return tuple(path for path in (self.cert_file, self.key_file, self.client_ca_file) if path)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The whole file.

    Attributes:
        tls: how TLS is spoken; not at all unless it is enabled.
        http2: what the file says of HTTP/2, None if nothing.
        headers: added to every answer that has none of that name.
        users: bcrypt hashes by name; anybody may ask where there are none.
        burst, interval: requests at once, and seconds for one more; no limit where the interval is 0.
    """

    tls: TlsConfig = TlsConfig()
    http2: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    burst: int = 0
    interval: float = 0.0


def parse(content: bytes, folder: Path) -> WebConfig:
    """Read a web configuration; paths in it are relative to the folder.

    Raises:
        BadConfig: it is none.
    """
    sections = nodes.fields(nodes.first_document(content), "", _SECTIONS)
    tls = _tls(sections.get("tls_server_config"), folder)
    http = nodes.fields(
        sections.get("http_server_config"), "http_server_config", {"http2": nodes.boolean, "headers": _headers}
    )
    limit = nodes.fields(sections.get("rate_limit"), "rate_limit", {"interval": nodes.duration, "burst": nodes.integer})
    return WebConfig(
        tls,
        http.get("http2"),
        http.get("headers", {}),
        sections.get("basic_auth_users", {}),
        limit.get("burst", 0),
        max(limit.get("interval", 0.0), 0.0),
    )


def _tls(node: yaml.Node | None, folder: Path) -> TlsConfig:
    tls = TlsConfig(**nodes.fields(node, "tls_server_config", _TLS))
    if not tls.enabled:
        return tls
    where = "tls_server_config"
    if not (tls.cert or tls.cert_file):
        raise BadConfig(f"{where}: cert_file is missing, or cert")
    if not (tls.key or tls.key_file):
        raise BadConfig(f"{where}: key_file is missing, or key")
    if tls.client_auth_type:
        _one_of(CLIENT_AUTH, tls.client_auth_type, f"{where}: client_auth_type")
    if (tls.client_ca or tls.client_ca_file) and tls.client_auth_type in {"", "NoClientCert"}:
        raise BadConfig(f"{where}: client_ca_file: needs a client_auth_type that asks for certificates")
    cert_file, key_file, client_ca_file = (
        str(folder / path) if path else "" for path in (tls.cert_file, tls.key_file, tls.client_ca_file)
    )
    return replace(tls, cert_file=cert_file, key_file=key_file, client_ca_file=client_ca_file)


def _one_of(known: Iterable[str], word: str, where: str) -> str:
    if word not in known:
        raise BadConfig(f"{where}: {word!r} must be one of {', '.join(known)}")
    return word


def _version(node: yaml.Node, where: str) -> str:
    return _one_of(VERSIONS, nodes.text(node, where), where)


def _ciphers(node: yaml.Node, where: str) -> tuple[str, ...]:
    return tuple(_one_of(CIPHERS, word, where) for word in nodes.listed(node, where))


def _curves(node: yaml.Node, where: str) -> tuple[str, ...]:
    return tuple(_one_of(CURVES, word, where) for word in nodes.listed(node, where))


def _headers(node: yaml.Node, where: str) -> dict[str, str]:
    """Read headers. What cannot stand in one becomes a space, as in Go; a blank one is not set."""
    headers = {}
    for name, value in nodes.texts(node, where).items():
        _one_of(HEADERS, name, where)
        if HEADERS[name]:
            _one_of(HEADERS[name], value, f"{where}: {name}")
        cleaned = re.sub(r"[\x00-\x1f\x7f]", " ", value).strip()
        if cleaned:
            headers[name] = cleaned.encode().decode("latin-1")
    return headers


def _users(node: yaml.Node, where: str) -> dict[str, str]:
    users = nodes.texts(node, where)
    for name, value in users.items():
        if not HASH.fullmatch(value):
            raise BadConfig(f"{where}: the password of {name!r} is not a bcrypt hash")
    return users


_SECTIONS: Final[Mapping[str, nodes.Field]] = {
    "tls_server_config": nodes.section,
    "http_server_config": nodes.section,
    "rate_limit": nodes.section,
    "basic_auth_users": _users,
}
_TLS: Final[Mapping[str, nodes.Field]] = {
    "cert": nodes.text,
    "key": nodes.text,
    "client_ca": nodes.text,
    "cert_file": nodes.text,
    "key_file": nodes.text,
    "client_ca_file": nodes.text,
    "client_auth_type": nodes.text,
    "client_allowed_sans": nodes.listed,
    "min_version": _version,
    "max_version": _version,
    "cipher_suites": _ciphers,
    "curve_preferences": _curves,
    "prefer_server_cipher_suites": nodes.boolean,
}
