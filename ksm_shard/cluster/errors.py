"""What can go wrong with an API server, by name. Every request error says which path and what the server said.

ClusterError
    ConfigurationError      no way to the API server: the kubeconfig is missing or broken
    RequestError
        Gone                410: the resource version or the continue token is no longer known; list again
        Restored            the server is behind what it said before, as after a restore of etcd from a backup; list again
        Refused             the server is well but says no; asking again helps only once somebody changed something
            Forbidden       403
            NotFound        404: the API is absent, such as a CustomResourceDefinition that is not installed
            Unsupported     any other answer below 500, such as 406 and 422: it cannot do what was asked
        Unavailable         5xx, no connection, a time-out, an answer cut short, no credentials just now: ask later
            Unauthorized    401: the credentials are loaded anew at once, so that asking again helps
            TooManyRequests 429
            Stalled         a watch that is open and says nothing any more: open it anew at once
        Cancelled           another thread broke the request off
"""

from collections.abc import Collection
from typing import ClassVar, Final


class ClusterError(Exception):
    """The base of all errors of this room."""


class ConfigurationError(ClusterError):
    """There is no way to the API server. The text is one line: what, where, and what would be right."""


class RequestError(ClusterError):
    """A request failed.

    Attributes:
        path: of the request, without the query.
        code: the HTTP status, or that of an ERROR event; 0 if the server did not say any.
        retry_after: seconds before which the server does not want to be asked again; 0 if it did not say.
        result: a word for metrics and the status page, the same for all errors of the class.
    """

    result: ClassVar[str] = "error"

    def __init__(self, path: str, message: str, *, code: int = 0, retry_after: float = 0) -> None:
        # Go's own pages begin with the status: "404 page not found".
        shown = message if not code or message.startswith(str(code)) else f"{code} {message}"
        super().__init__(f"{path}: {shown}")
        self.path, self.code, self.retry_after = path, code, retry_after


class Gone(RequestError):
    """410: the resource version or the continue token is no longer known."""

    result = "gone"


class Restored(RequestError):
    """The server is behind a resource version that is known of it: a 504 with the cause ResourceVersionTooLarge, or a lower one."""

    result = "restored"


class Refused(RequestError):
    """The server is well but says no."""


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
    """A watch was silent for longer than it had ever been, with its connection still open."""

    result = "stalled"


class Unauthorized(Unavailable):
    """401: the credentials are not valid, or no longer."""

    result = "unauthorized"


class TooManyRequests(Unavailable):
    """429: not before `retry_after` seconds have passed."""

    result = "throttled"


class Cancelled(RequestError):
    """Another thread broke the request off."""

    result = "cancelled"


_BY_CODE: dict[int, type[RequestError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    410: Gone,
    429: TooManyRequests,
}


# What client-go's IsTooLargeResourceVersion looks for (metav1.CauseTypeResourceVersionTooLarge).
TOO_LARGE: Final = "ResourceVersionTooLarge"


def request_error(
    path: str, code: int, message: str, retry_after: float = 0, causes: Collection[str] = ()
) -> RequestError:
    """Return the error for an HTTP status or the code of an ERROR event; without a code (0) it is Unavailable."""
    if TOO_LARGE in causes:
        return Restored(path, message, code=code)
    kind = _BY_CODE.get(code) or (Unsupported if 300 <= code < 500 else Unavailable)
    return kind(path, message, code=code, retry_after=retry_after)
