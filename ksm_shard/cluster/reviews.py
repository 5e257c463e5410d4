"""Who a bearer token stands for, and what that user may see: TokenReview and SubjectAccessReview."""

import json
from collections.abc import Mapping
from typing import Any, Final

from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import Unsupported

# Seconds for each: a scrape waits for both, and Prometheus waits for ten by default.
WITHIN: Final = 3.0
TOKENS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class AccessReviews:
    """Questions to the API server, which the own account has to have the right to `create`."""

    def __init__(self, server: ApiServer) -> None:
        """Ask that server."""
        self._server = server

    def user(self, token: str) -> Mapping[str, Any] | None:
        """Return who a token stands for: username, uid, groups, extra. None if it is nobody's.

        Raises:
            RequestError: there is no answer.
        """
        status = self._ask(TOKENS, "authentication.k8s.io/v1", "TokenReview", {"token": token})
        if status.get("authenticated") is not True:
            return None
        user = status.get("user")
        if not isinstance(user, dict) or not isinstance(user.get("username"), str):
            raise Unsupported(TOKENS, "expected a user, got none")
        return user

    def allowed(self, user: Mapping[str, Any], verb: str, path: str) -> bool:
        """Tell whether a user, as `user` returns them, may do that with a path that is no resource.

        Raises:
            RequestError: there is no answer.
        """
        spec = {
            "user": user["username"],
            **{key: user[key] for key in ("uid", "groups", "extra") if user.get(key)},
            "nonResourceAttributes": {"verb": verb, "path": path},
        }
        status = self._ask(ACCESS, "authorization.k8s.io/v1", "SubjectAccessReview", spec)
        return status.get("allowed") is True and status.get("denied") is not True

    def _ask(self, path: str, version: str, kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        body = json.dumps({"apiVersion": version, "kind": kind, "spec": spec}).encode()
        with self._server.post(path, body, WITHIN) as response:
            text = response.body()
        try:
            status = json.loads(text)["status"]
        except (ValueError, KeyError, TypeError):
            status = None
        if not isinstance(status, dict):
            # Not quoted: a review has the token in it.
            raise Unsupported(path, f"expected a {kind} with a status, got something else")
        return status
