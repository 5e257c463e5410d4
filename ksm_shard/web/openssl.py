"""Calls of OpenSSL that Python's ssl lacks: certificates that are not verified, curves, suites, no session cache.

The context is found where every CPython from 3.6 to 3.14 keeps it, right behind the object's header, and the library in what `_ssl`
is linked to. Where that is another one, `OutOfReach` is raised and nothing was touched.
"""

import _ssl
import ctypes
import ssl
import sys
from collections.abc import Sequence
from typing import Any, Final

# Of openssl/ssl.h, the same since 1.1.0.
SET_SESSION_CACHE_MODE: Final = 44
SET_GROUPS_LIST: Final = 92

_ACCEPT: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: 1)


class OutOfReach(Exception):
    """OpenSSL cannot be told here; the text is one line that says why."""


def accept_any_certificate(context: ssl.SSLContext) -> None:
    """Let a client's certificate pass whoever has signed it; that the client has its key is proven all the same."""
    _function("SSL_CTX_set_cert_verify_callback", None)(_pointer(context), _ACCEPT, None)


def set_curves(context: ssl.SSLContext, names: Sequence[str]) -> None:
    """Let only these curves be used."""
    if not _control(context, SET_GROUPS_LIST, ":".join(names).encode()):
        raise OutOfReach(f"OpenSSL does not know all of the curves {', '.join(names)}")


def set_suites(context: ssl.SSLContext, names: Sequence[str]) -> None:
    """Let only these suites of TLS 1.3 be used, in the order of preference."""
    if not _function("SSL_CTX_set_ciphersuites", ctypes.c_int)(_pointer(context), ":".join(names).encode()):
        raise OutOfReach(f"OpenSSL does not know all of the suites {', '.join(names)}")


def keep_no_sessions(context: ssl.SSLContext) -> None:
    """Remember no session: 20,000 of them would be kept, for clients that shake hands and go away, of 2 kB each."""
    _control(context, SET_SESSION_CACHE_MODE, None)


def _control(context: ssl.SSLContext, command: int, value: bytes | None) -> int:
    call = _function("SSL_CTX_ctrl", ctypes.c_long)
    return int(call(_pointer(context), ctypes.c_int(command), ctypes.c_long(0), value))


def _function(name: str, result: Any) -> Any:
    try:
        found = getattr(ctypes.CDLL(getattr(_ssl, "__file__", None)), name)
    except (OSError, AttributeError) as error:
        raise OutOfReach(f"this Python's OpenSSL is out of reach: {error}") from None
    found.restype = result
    return found


def _pointer(context: ssl.SSLContext) -> ctypes.c_void_p:
    if sys.implementation.name != "cpython" or sys.version_info >= (3, 15):
        raise OutOfReach("this is no Python from 3.11 to 3.14")
    return ctypes.c_void_p(ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value)
