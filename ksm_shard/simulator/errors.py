"""Failures as the API server tells them: an HTTP code and a Status object (meta/v1).

ApiError
  built by: bad_request, not_found, conflict, expired, too_large, not_acceptable, ...
"""

from typing import Any


class ApiError(Exception):
    """A request that fails. `status` is its Status object, `headers` go into the answer."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        """Take the HTTP code, the machine-readable reason, and what goes into `details`."""
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
    """The request makes no sense."""
    return ApiError(400, "BadRequest", message)


def not_found(plural: str, name: str) -> ApiError:
    """There is no such object."""
    return ApiError(404, "NotFound", f'{plural} "{name}" not found', name=name, kind=plural)


def no_such_resource() -> ApiError:
    """The group version is served, the resource is not."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def exists(plural: str, name: str) -> ApiError:
    """An object to be created is there already."""
    return ApiError(409, "AlreadyExists", f'{plural} "{name}" already exists', name=name, kind=plural)


def conflict(plural: str, name: str) -> ApiError:
    """The object was changed since the resource version that the request names."""
    message = f'Operation cannot be fulfilled on {plural} "{name}": the object has been modified'
    return ApiError(409, "Conflict", message, name=name, kind=plural)


def expired_list() -> ApiError:
    """What a continue token or an exact resource version means has been compacted."""
    return ApiError(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")


def expired_watch(version: int, oldest: int) -> ApiError:
    """The changes after that version have been compacted. It comes as an ERROR event inside an answer 200."""
    return ApiError(410, "Expired", f"too old resource version: {version} ({oldest})")


def too_large(version: int, current: int) -> ApiError:
    """A list at a resource version that is yet to come; a real server waits three seconds for it first."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    return ApiError(504, "Timeout", message, causes=causes, retryAfterSeconds=1)


def not_acceptable(detail: str) -> ApiError:
    """Nothing that the Accept header names can be made of this resource."""
    return ApiError(406, "NotAcceptable", detail)


def unsupported(given: str, *accepted: str) -> ApiError:
    """A request body, or a patch, of a type that the resource does not take."""
    types = ", ".join(accepted)
    message = f"the body of the request was in an unknown format ({given}) - accepted media types include: {types}"
    return ApiError(415, "UnsupportedMediaType", message)


def not_allowed() -> ApiError:
    """A method that the path does not have."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
