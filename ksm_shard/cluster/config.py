"""The way to an API server, however it was found: what client-go calls a rest.Config."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import urllib3

from ksm_shard.cluster.calls import socket_options

# Connections kept open: one watch for each of about 45 resources, lists beside them, some to spare for several namespaces.
# Further connections are opened, but not kept.
CONNECTIONS: Final = 64


class CredentialsError(Exception):
    """Credentials that cannot be renewed at the moment; the message says why."""


@dataclass(frozen=True, slots=True)
class RestConfig:
    """An API server, and the right to ask it.

    Attributes:
        host: its URL.
        pool: the connections to it.
        authorization: returns the Authorization header of this moment, "" without a token; raises CredentialsError.
        verified: whether the server has to prove who it is.
    """

    host: str
    pool: urllib3.PoolManager
    authorization: Callable[[], str] = str
    verified: bool = True


def direct(host: str, authorization: Callable[[], str] = str, **tls: Any) -> RestConfig:
    """Return the way to a server without a proxy; `tls` are arguments of a PoolManager."""
    pool = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, socket_options=socket_options(), **tls)
    return RestConfig(host, pool, authorization)
