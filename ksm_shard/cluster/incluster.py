"""The way to the API server from a pod: its service account, whose token the kubelet renews.

Without the `kubernetes` package, whose import took 0.13 of the 0.5 s of a process without objects, and 20 MB: the package
brings OpenID Connect, OAuth and pydantic, and here there are two files to read.
"""

import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ksm_shard.cluster.config import CredentialsError, RestConfig, direct
from ksm_shard.files import reason

FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# Seconds between two looks at the token: client-go's. The kubelet replaces it when a fifth of its time is left, 12 minutes.
RENEW_AFTER: Final = 60.0


class ServiceAccountToken:
    """The token of the pod's service account, read again each minute."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        """Take the file of the token, and a clock in seconds."""
        self._file = file
        self._clock = clock
        self._token = ""
        self._read_at = float("-inf")

    def authorization(self) -> str:
        """Return the Authorization header.

        Raises:
            CredentialsError: the file cannot be read, or is empty.
        """
        if self._clock() - self._read_at >= RENEW_AFTER:
            try:
                token = self._file.read_text().strip()
            except (OSError, ValueError) as error:
                raise CredentialsError(reason(error)) from error
            if not token:
                raise CredentialsError(f"{self._file} is empty")
            self._token, self._read_at = token, self._clock()
        return f"Bearer {self._token}"


def load(folder: Path) -> RestConfig | None:
    """Return the way that the environment and the folder of a service account tell; None outside of a pod."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token, authority = folder / "token", folder / "ca.crt"
    if not (host and port and token.is_file() and authority.is_file()):
        return None
    url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    account = ServiceAccountToken(token, time.monotonic)
    return direct(url, account.authorization, cert_reqs=ssl.CERT_REQUIRED, ca_certs=str(authority))
