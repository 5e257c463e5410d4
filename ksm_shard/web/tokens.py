"""The filter of `--auth-filter`: the API server says who a bearer token stands for, and which pages they may see.

As in kube-state-metrics, which uses controller-runtime's filter: nobody is anonymous, client certificates are nobody, and answers
are kept for as long.

                            kept for    and if the API server cannot be asked then
    whose token it is       60 s        what was let in goes on for STALE seconds from the last answer
    it is nobody's          60 s        503
    may see the page        300 s       goes on, as above
    may not                 30 s        503
"""

import hashlib
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Protocol

from ksm_shard.web import access
from ksm_shard.web.access import HEALTH, PAGES, Asked, CredentialCheck, Granted, Refusal, Verdict

LOG: Final = logging.getLogger(__name__)
KNOWN: Final = 60.0
ALLOWED: Final = 300.0
DENIED: Final = 30.0
# Seconds for which an API server that is away does not shut out who was let in, and between two attempts to ask it then.
STALE: Final = 600.0
AGAIN: Final = 10.0
# Tokens that are kept, of somebody and of nobody each.
MOST: Final = 1000
LOG_EVERY: Final = 60.0
# Of all methods that some page answers, with the verb that a role names.
VERBS: Final = {"GET": "get", "HEAD": "head", "OPTIONS": "options"}

UNAUTHORIZED: Final = Refusal(access.CREDENTIALS, "401 Unauthorized", "Unauthorized", (("WWW-Authenticate", "Bearer"),))
UNREACHABLE: Final = Refusal(
    access.UNCHECKED, "503 Service Unavailable", "the API server cannot be asked who you are", (("Retry-After", "10"),)
)


class Reviewer(Protocol):
    """The API server. Whatever these raise means that it cannot be asked."""

    def user(self, token: str) -> Mapping[str, Any] | None:
        """Return who a token stands for, as TokenReview has it; None for nobody."""

    def allowed(self, user: Mapping[str, Any], verb: str, path: str) -> bool:
        """Tell whether that user may do that with a path, as SubjectAccessReview has it."""


@dataclass(slots=True)
class _Said:
    """An answer.

    Attributes:
        at: when it was given.
        until: when to ask again.
    """

    yes: bool
    at: float
    until: float


@dataclass(slots=True)
class _Holder:
    """The user that a token stands for, with the answers about pages; None for nobody."""

    user: Mapping[str, Any] | None
    said: _Said
    pages: dict[tuple[str, str], _Said] = field(default_factory=dict)


class TokenFilter:
    """The guard of bearer tokens, with the answers that still count."""

    def __init__(self, reviewer: Reviewer, clock: Callable[[], float]) -> None:
        """Ask the reviewer what is not known. The clock is in seconds."""
        self._reviewer, self._clock = reviewer, clock
        self._secret = os.urandom(32)
        self._somebody: OrderedDict[bytes, _Holder] = OrderedDict()
        self._nobody: OrderedDict[bytes, _Holder] = OrderedDict()
        self._lock = Lock()
        self._logged = float("-inf")

    def look(self, asked: Asked) -> Verdict | CredentialCheck:
        """Answer by earlier reviews, or return the review that is needed."""
        if asked.path in HEALTH:
            return Granted()
        token = bearer(asked.authorization)
        if token is None:
            return UNAUTHORIZED
        verb = VERBS.get(asked.method, "") if asked.path in PAGES else ""
        page = (verb, asked.path) if verb else None
        digest = hashlib.blake2b(token.encode("latin-1"), key=self._secret, digest_size=32).digest()
        verdict = self._verdict(digest, page)
        if verdict is not None:
            return verdict
        renews = self._granted_before(digest, page)
        return CredentialCheck(repr((digest, page)).encode(), lambda: self._find_out(token, digest, page), renews)

    def _granted_before(self, digest: bytes, page: tuple[str, str] | None) -> bool:
        """Tell whether the last answers, which count no more, let the same be seen."""
        with self._lock:
            holder = self._somebody.get(digest)
            said = holder.pages.get(page) if holder is not None and page is not None else None
            return said is not None and said.yes

    def _verdict(self, digest: bytes, page: tuple[str, str] | None) -> Verdict | None:
        """Return the verdict by answers that still count; None where one is missing.

        A known user who asks for no page of ours is granted: the application answers with 404 or 405.
        """
        now = self._clock()
        with self._lock:
            holder = self._somebody.get(digest) or self._nobody.get(digest)
            if holder is None or holder.said.until <= now:
                return None
            if holder.user is None:
                return UNAUTHORIZED
            if page is None:
                return Granted()
            said = holder.pages.get(page)
            if said is None or said.until <= now:
                return None
            return Granted(page[1]) if said.yes else _denied(holder.user)

    def _find_out(self, token: str, digest: bytes, page: tuple[str, str] | None) -> Verdict:
        try:
            self._ask_who(token, digest)
            self._ask_whether(digest, page)
        except Exception as error:  # noqa: BLE001  whatever it was, nobody has been let in by it
            self._note(error)
            self._extend(digest, page)
        return self._verdict(digest, page) or UNREACHABLE

    def _ask_who(self, token: str, digest: bytes) -> None:
        now = self._clock()
        with self._lock:
            holder = self._somebody.get(digest)
            if holder is not None and holder.said.until > now:
                return
        user = self._reviewer.user(token)
        said = _Said(user is not None, now, self._clock() + KNOWN)
        with self._lock:
            before = self._somebody.pop(digest, None)
            self._nobody.pop(digest, None)
            same = before is not None and before.user == user
            holder = _Holder(user, said, before.pages if before is not None and same else {})
            kept = self._nobody if user is None else self._somebody
            kept[digest] = holder
            if len(kept) > MOST:
                kept.popitem(last=False)

    def _ask_whether(self, digest: bytes, page: tuple[str, str] | None) -> None:
        now = self._clock()
        with self._lock:
            holder = self._somebody.get(digest)
            if holder is None or holder.user is None or page is None:
                return
            said = holder.pages.get(page)
            if said is not None and said.until > now:
                return
        yes = self._reviewer.allowed(holder.user, *page)
        with self._lock:
            holder.pages[page] = _Said(yes, now, self._clock() + (ALLOWED if yes else DENIED))

    def _extend(self, digest: bytes, page: tuple[str, str] | None) -> None:
        """Let what was granted count for a while longer, if it is not too old."""
        now = self._clock()
        with self._lock:
            holder = self._somebody.get(digest)
            if holder is None:
                return
            said = [holder.said, *([holder.pages[page]] if page in holder.pages else [])]
            if page is not None and page not in holder.pages:
                return
            if all(one.yes and now - one.at < STALE for one in said):
                for one in said:
                    one.until = max(one.until, min(now + AGAIN, one.at + STALE))

    def _note(self, error: Exception) -> None:
        now = self._clock()
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            LOG.warning("--auth-filter: the API server cannot be asked, who is not known yet is not let in: %s", error)


def _denied(user: Mapping[str, Any]) -> Refusal:
    name = str(user.get("username", "")).encode("ascii", "backslashreplace").decode()
    return Refusal(access.RIGHTS, "403 Forbidden", f"Authorization denied for user {name}")


def bearer(authorization: Sequence[str]) -> str | None:
    """Return the token of the one Authorization field; None where there is another number, or it has none."""
    if len(authorization) != 1:
        return None
    parts = authorization[0].strip().split(" ", 2)
    if len(parts) < 2 or parts[0].lower() != "bearer" or not parts[1]:
        return None
    return parts[1]
