"""Basic authentication: bcrypt hashes, each password checked once, one at a time.

Nothing in how long an answer takes tells whether there is such a user: for one that there is not, a hash is checked as well. Kept
are digests, not passwords: of each user the one that was right, and of wrong ones the last hundred, so that no flood of these
pushes out those.
"""

import base64
import binascii
import hashlib
import logging
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Final

from ksm_shard.web.access import GRANTED, UNAUTHORIZED, Asked, CredentialCheck, Verdict
from ksm_shard.web.nodes import BadConfig

LOG: Final = logging.getLogger(__name__)
# As many as exporter-toolkit keeps of all.
WRONG: Final = 100
# bcrypt reads no more of a password, and newer versions of the package refuse one that is longer.
MOST_PASSWORD: Final = 72
PREFIX: Final = "basic "

# One at a time in the whole process: at the usual cost one takes 50 to 100 ms of a core.
_ONE: Final = Lock()


class BasicAuth:
    """The users of one configuration."""

    def __init__(self, users: Mapping[str, str]) -> None:
        """Take their bcrypt hashes.

        Raises:
            BadConfig: there is no bcrypt here.
        """
        try:
            import bcrypt  # noqa: PLC0415  only where there are users: 2 MB
        except ImportError as error:
            raise BadConfig(f"basic_auth_users: needs the package bcrypt: {error}") from None
        self._check = bcrypt.checkpw
        self._users = {name.encode(): hashed.encode() for name, hashed in users.items()}
        # The one that takes longest, for those that there are not.
        self._nobody = max(self._users.values(), key=lambda hashed: hashed.split(b"$")[2])
        self._secret = os.urandom(32)
        self._right: dict[bytes, bytes] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def look(self, asked: Asked) -> Verdict | CredentialCheck:
        """Answer by earlier checks, or return the check that is needed."""
        given = credentials(asked.authorization)
        if given is None:
            return UNAUTHORIZED
        name, password = given
        digest = self._digest(name, password)
        with self._lock:
            if self._right.get(name) == digest:
                return GRANTED
            if digest in self._wrong:
                return UNAUTHORIZED
        return CredentialCheck(digest, lambda: self._find_out(name, password, digest))

    def _find_out(self, name: bytes, password: bytes, digest: bytes) -> Verdict:
        hashed = self._users.get(name)
        with _ONE:
            try:
                right = self._check(password[:MOST_PASSWORD], hashed or self._nobody)
            except ValueError as error:
                LOG.warning("basic_auth_users: a hash cannot be checked: %s", error)
                right = False
        with self._lock:
            if right and hashed is not None:
                self._right[name] = digest
                return GRANTED
            self._wrong[digest] = None
            if len(self._wrong) > WRONG:
                self._wrong.popitem(last=False)
        return UNAUTHORIZED

    def _digest(self, name: bytes, password: bytes) -> bytes:
        return hashlib.blake2b(b"%d:%b%b" % (len(name), name, password), key=self._secret, digest_size=32).digest()


def credentials(authorization: Sequence[str]) -> tuple[bytes, bytes] | None:
    """Return name and password of the one Authorization field; None where there is another number, or it has none."""
    if len(authorization) != 1:
        return None
    scheme, encoded = authorization[0][: len(PREFIX)], authorization[0][len(PREFIX) :]
    if scheme.lower() != PREFIX or len(encoded) % 4:
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    name, colon, password = decoded.partition(b":")
    return (name, password) if colon else None
