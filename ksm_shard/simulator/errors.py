"""Failures in the form of the API server: an HTTP code and a Status object (meta/v1).

ApiError
  built by: bad_request, not_found, conflict, expired, too_large, not_acceptable, ...
"""

from typing import Any


class ApiError(Exception):
    """A request that fails: `status` is its Status object, `headers` are those of the answer."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        """Take the HTTP code, the machine-readable reason, and the `details` of the Status."""
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }
        wait = details.get("retryAfterSeconds")
        self.headers = {"Retry-After": str(wait)} if wait else {}


def bad_request(message: str) -> ApiError:
    """Build the error of an invalid request."""
    return ApiError(400, "BadRequest", message)


def not_found(plural: str, name: str) -> ApiError:
    """Build the error of a missing object."""
    return ApiError(404, "NotFound", f'{plural} "{name}" not found', name=name, kind=plural)


def no_such_resource() -> ApiError:
    """Build the error of a resource that is not served although its group version is."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def exists(plural: str, name: str) -> ApiError:
    """Build the error of creating an object that already exists."""
    return ApiError(409, "AlreadyExists", f'{plural} "{name}" already exists', name=name, kind=plural)


def conflict(plural: str, name: str) -> ApiError:
    """Build the error of changing an object that changed since the requested resource version."""
    message = f'Operation cannot be fulfilled on {plural} "{name}": the object has been modified'
    return ApiError(409, "Conflict", message, name=name, kind=plural)


def expired_list() -> ApiError:
    """Build the error of a continue token or exact resource version that was compacted."""
    return ApiError(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")


def expired_watch(version: int, oldest: int) -> ApiError:
    """Build the error of watching from a compacted resource version.

    The error is sent as an ERROR event in an answer 200.
    """
    return ApiError(410, "Expired", f"too old resource version: {version} ({oldest})")


def too_large(version: int, current: int) -> ApiError:
    """Build the error of listing at a future resource version.

    A real server first waits three seconds.
    """
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    return ApiError(504, "Timeout", message, causes=causes, retryAfterSeconds=1)


def not_acceptable(detail: str) -> ApiError:
    """Build the error of an Accept header with no media type that the resource has."""
    return ApiError(406, "NotAcceptable", detail)


def unsupported(given: str, *accepted: str) -> ApiError:
    """Build the error of a body or patch whose media type the resource does not accept."""
    types = ", ".join(accepted)
    message = f"the body of the request was in an unknown format ({given}) - accepted media types include: {types}"
    return ApiError(415, "UnsupportedMediaType", message)


def not_allowed() -> ApiError:
    """Build the error of a method that the path does not support."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
