"""Errors of requests, each with the path and the server's message.

ClusterError
    ConfigurationError      no way to the API server: the kubeconfig is missing or broken
    RequestError
        Gone                410: the server no longer knows the resource version or the continue token; list again
        Restored            the server is behind a version it sent before, as after a restore of etcd from a backup; list again
        Refused             the server is well but refuses; asking again helps only after somebody changes something
            Forbidden       403
            NotFound        404: the API is absent, such as a CustomResourceDefinition that is not installed
            Unsupported     any other answer below 500, such as 406 and 422: the server cannot do what was asked
        Unavailable         5xx, no connection, a time-out, an answer cut short, no credentials at the moment: ask later
            Unauthorized    401: the credentials are loaded anew at once, so that asking again helps
            TooManyRequests 429
            Stalled         an open watch that has fallen silent: open another at once
        Cancelled           another thread cancelled the request
"""

from collections.abc import Collection
from typing import ClassVar, Final


class ClusterError(Exception):
    """The base of all errors of this room."""


class ConfigurationError(ClusterError):
    """No API server was found.

    The text is one line: what is wrong, where, and what would be right.
    """


class RequestError(ClusterError):
    """A request failed.

    Attributes:
        path: of the request, without the query.
        code: the HTTP status, or that of an ERROR event; 0 if the server sent none.
        retry_after: seconds before which the server does not want to be asked again; 0 if it sent none.
        result: a word for metrics and the status page, the same for all errors of the class.
    """

    result: ClassVar[str] = "error"

    def __init__(self, path: str, message: str, *, code: int = 0, retry_after: float = 0) -> None:
        # Go's own pages begin with the status: "404 page not found".
        shown = message if not code or message.startswith(str(code)) else f"{code} {message}"
        super().__init__(f"{path}: {shown}")
        self.path, self.code, self.retry_after = path, code, retry_after


class Gone(RequestError):
    """410: the server no longer knows the resource version or the continue token."""

    result = "gone"


class Restored(RequestError):
    """The server is behind a resource version known from it.

    Raised for a 504 with the cause ResourceVersionTooLarge, and for an answer with a lower version.
    """

    result = "restored"


class Refused(RequestError):
    """The server is well but refuses the request."""


class Forbidden(Refused):
    """403: a right is missing."""

    result = "forbidden"


class NotFound(Refused):
    """404: the API is absent."""

    result = "absent"


class Unsupported(Refused):
    """Another 4xx, or a 3xx: the server cannot do what was asked."""

    result = "unsupported"


class Unavailable(RequestError):
    """The server could not answer; asking again later may help."""

    result = "unavailable"


class Stalled(Unavailable):
    """A watch was silent for too long while its connection was open.

    The silences of earlier watches are the measure.
    """

    result = "stalled"


class Unauthorized(Unavailable):
    """401: the credentials are invalid or expired."""

    result = "unauthorized"


class TooManyRequests(Unavailable):
    """429: ask again only after `retry_after` seconds."""

    result = "throttled"


class Cancelled(RequestError):
    """Another thread cancelled the request."""

    result = "cancelled"


_BY_CODE: dict[int, type[RequestError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    410: Gone,
    429: TooManyRequests,
}


# The cause that client-go's IsTooLargeResourceVersion looks for (metav1.CauseTypeResourceVersionTooLarge).
TOO_LARGE: Final = "ResourceVersionTooLarge"


def request_error(
    path: str, code: int, message: str, retry_after: float = 0, causes: Collection[str] = ()
) -> RequestError:
    """Return the error for an HTTP status or an ERROR event's code.

    Code 0, for none, gives Unavailable.
    """
    if TOO_LARGE in causes:
        return Restored(path, message, code=code)
    kind = _BY_CODE.get(code) or (Unsupported if 300 <= code < 500 else Unavailable)
    return kind(path, message, code=code, retry_after=retry_after)
