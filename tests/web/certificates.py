"""An authority of our own, and certificates that it signs, by the openssl command."""

import copy
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

OPENSSL = shutil.which("openssl")
# Without these Python 3.13 takes no certificate.
STRICT = (
    "basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nkeyUsage=digitalSignature\n"
)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    cert: Path
    key: Path


class Authority:
    """A folder of certificates. The test is skipped where there is no openssl.

    Attributes:
        cert: its own certificate.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        if OPENSSL is None:
            pytest.skip("openssl is not installed")
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self.cert, self._key = folder / f"{name}.crt", folder / f"{name}.key"
        usage = "keyUsage=critical,keyCertSign"
        self._run(
            "req", "-x509", *self._new(self._key), "-days", "30", "-subj", f"/CN={name}", "-addext", usage, "-out", self.cert
        )  # fmt: skip

    def issue(
        self, name: str, sans: str = "IP:127.0.0.1,DNS:localhost", usage: str = "serverAuth", days: int = 30
    ) -> Pair:
        """Return a new certificate for these subject alternative names; one that has expired for days below 0."""
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={sans}\nextendedKeyUsage={usage}\n{STRICT}")
        self._run("req", *self._new(pair.key), "-subj", f"/CN={name}", "-out", request)
        self._run(
            "x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key, "-CAcreateserial", "-days", days,
            "-extfile", extensions, "-out", pair.cert,
        )  # fmt: skip
        return pair

    def of(self, pair: Pair) -> "Authority":
        """Return one that signs with a certificate of this one, which is of no authority."""
        other = copy.copy(self)
        other.cert, other._key = pair.cert, pair.key
        return other

    def client(self, name: str = "prometheus", sans: str = "DNS:prometheus.example") -> Pair:
        """Return a new certificate for a client."""
        return self.issue(name, sans, "clientAuth")

    @staticmethod
    def _new(key: Path) -> list[str]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key)]

    @staticmethod
    def _run(*words: object) -> None:
        subprocess.run([str(OPENSSL), *map(str, words)], check=True, capture_output=True)
