"""The simulator's own paths below /admin: faults, compaction, backups and tokens.

The paths serve curl and tests in other processes.
"""

from collections.abc import Mapping
from typing import Any

from ksm_shard.simulator import errors
from ksm_shard.simulator.faults import Faults
from ksm_shard.simulator.objects import Objects
from ksm_shard.simulator.reviews import Reviews


class Admin:
    """Answers requests below /admin."""

    def __init__(self, objects: Objects, faults: Faults, reviews: Reviews) -> None:
        """Take the parts that the requests act on."""
        self._objects = objects
        self._faults = faults
        self._reviews = reviews

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Execute a request and return the resulting state.

        Raises:
            ApiError: the request is invalid.
        """
        try:
            match method, path:
                case "GET", "/admin/faults":
                    pass
                case "POST", "/admin/faults":
                    self._faults.add(**body)
                case "DELETE", "/admin/faults":
                    self._faults.clear()
                case "POST", "/admin/compact":
                    self._objects.compact()
                case "POST", "/admin/backup":
                    self._objects.back_up()
                case "POST", "/admin/restore":
                    self._objects.restore()
                    self._faults.add("drop")
                case "POST", "/admin/tokens":
                    self._reviews.allow(body["token"], body["user"], *body.get("paths", ()))
                case _:
                    raise errors.not_allowed()
        except (TypeError, ValueError, KeyError) as error:
            raise errors.bad_request(str(error)) from None
        return {"resourceVersion": str(self._objects.version), "faults": self._faults.listed()}
