"""Verdicts on requests: the order of the guards, and the answer to a request that is refused.

A thread for requests never waits for a verdict. What a guard does not know yet is a `CredentialCheck`, which runs elsewhere
(`checks`); the request comes back with the result. An application without a verdict serves nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

# Of all pages. Those of probes have nothing to hide, and are open to whoever `--auth-filter` would ask, as upstream.
HEALTH: Final = frozenset({"/livez", "/readyz", "/healthz"})
PAGES: Final = frozenset({"/", "/metrics", "/shard", "/owner"})

# Reasons of `ksm_shard_requests_denied_total`.
CREDENTIALS: Final = "credentials"
RIGHTS: Final = "rights"
UNCHECKED: Final = "unchecked"
BUSY: Final = "busy"
RATE: Final = "rate"
DENIED: Final = (CREDENTIALS, RIGHTS, UNCHECKED, BUSY, RATE)


@dataclass(frozen=True, slots=True)
class Granted:
    """The request may be answered.

    Attributes:
        path: the only page that it may see of those that need a right; None for none of them.
    """

    path: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request is refused."""

    reason: str
    status: str
    line: str
    headers: tuple[tuple[str, str], ...] = ()


Verdict = Granted | Refusal


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """A question to answer before there is a verdict.

    Attributes:
        key: the same for two requests that ask the same.
        run: finds it out, and may take its time.
        renews: whether the same was granted before, so that nobody who floods may keep it waiting.
    """

    key: bytes
    run: Callable[[], Verdict]
    renews: bool = False


@dataclass(eq=False, slots=True)
class Asked:
    """A request, as far as it matters here.

    Attributes:
        path: as the application will see it, without percent signs.
        authorization: all fields of that name.
        counted: whether it was counted against the limit of the rate.
        found: what was found out for it so far, by key.
    """

    method: str
    path: str
    authorization: Sequence[str]
    counted: bool = False
    found: dict[bytes, Verdict] = field(default_factory=dict)


class Guard(Protocol):
    """A question that every request is asked: the limit of the rate, a password, a token."""

    def look(self, asked: Asked) -> Verdict | CredentialCheck:
        """Return the verdict, or the check that has to come before it."""


GRANTED: Final = Granted()
TOO_MANY: Final = Refusal(
    BUSY, "503 Service Unavailable", "too many credentials are being checked", (("Retry-After", "1"),)
)
UNAUTHORIZED: Final = Refusal(CREDENTIALS, "401 Unauthorized", "Unauthorized", (("WWW-Authenticate", "Basic"),))
UNTOLD: Final = Refusal(UNCHECKED, "500 Internal Server Error", "nobody has said who may see this")

VERDICT: Final[ContextVar[Verdict]] = ContextVar("VERDICT", default=UNTOLD)


class Gate:
    """All guards, in order: the first that does not grant decides."""

    def __init__(self, guards: Callable[[], Iterable[Guard]], denied: Callable[[str], None]) -> None:
        """Ask those guards that are there at the time; call `denied` with the reason of each refusal."""
        self._guards, self._denied = guards, denied

    def look(self, asked: Asked) -> Verdict | CredentialCheck:
        """Return the verdict of all guards, or the first check that is needed for it."""
        verdict: Verdict | CredentialCheck = GRANTED
        for guard in self._guards():
            verdict = guard.look(asked)
            if isinstance(verdict, CredentialCheck):
                if verdict.key not in asked.found:
                    return verdict
                verdict = asked.found[verdict.key]
            if isinstance(verdict, Refusal):
                self._denied(verdict.reason)
                return verdict
        return verdict


def guarded(
    application: Callable[[dict[str, Any], Any], Iterable[bytes]],
) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return an application that answers with the verdict where it is a refusal."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        verdict = VERDICT.get()
        if isinstance(verdict, Granted):
            return application(environ, start_response)
        body = f"{verdict.line}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            *verdict.headers,
        ]
        start_response(verdict.status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return answer
