"""TokenReview and SubjectAccessReview: the users of tokens and their permissions, which /admin/tokens sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ksm_shard.simulator.errors import bad_request

TOKEN_REVIEW: Final = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 (a path)
ACCESS_REVIEW: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True, slots=True)
class User:
    """The user of a token; `paths` are non-resource URLs that the user may `get`, "*" allows all."""

    name: str
    paths: tuple[str, ...] = ()
    groups: tuple[str, ...] = ("system:authenticated",)


class Reviews:
    """The known tokens."""

    def __init__(self) -> None:
        """Begin without tokens."""
        self._users: dict[str, User] = {}

    def allow(self, token: str, name: str, *paths: str) -> None:
        """Register a token for a user who may get the given paths."""
        self._users[token] = User(name, paths)

    def answer(self, path: str, review: Mapping[str, Any]) -> dict[str, Any]:
        """Return a review with its status filled in.

        Raises:
            ApiError: the review has no spec.
        """
        spec = review.get("spec")
        if not isinstance(spec, dict):
            raise bad_request("the review has no spec")
        return {**review, "metadata": {}, "status": self._token(spec) if path == TOKEN_REVIEW else self._access(spec)}

    def _token(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        user = self._users.get(spec.get("token", ""))
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        return {"authenticated": True, "user": {"username": user.name, "groups": list(user.groups)}}

    def _access(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        wanted = spec.get("nonResourceAttributes") or {}
        mine = [user for user in self._users.values() if user.name == spec.get("user")]
        paths = {path for user in mine for path in user.paths}
        return {"allowed": wanted.get("verb") == "get" and bool(paths & {"*", wanted.get("path")})}
