"""The states of a reflector: said once, for the telemetry, the pages, readiness and `check`."""

from enum import StrEnum


class ReflectorState(StrEnum):
    """A state of a reflector, from the best to what somebody should look at first."""

    WATCHING = "watching"
    LISTING = "listing"
    ADDING = "adding"  # lists for slots that were gained
    STARTING = "starting"
    STOPPED = "stopped"
    WAITING = "waiting"  # after a failure, until it asks again
    ABSENT = "absent"  # 404: the API is not served
    UNSUPPORTED = "unsupported"  # another refusal
    FORBIDDEN = "forbidden"  # 403

    @property
    def trouble(self) -> int:
        """The place in that order: of several reflectors the one with the highest speaks for all."""
        return list(ReflectorState).index(self)

    @property
    def well(self) -> bool:
        """Whether the reflector reads, or is on its way to."""
        return self in {self.WATCHING, self.LISTING, self.ADDING, self.STARTING}

    @property
    def refused(self) -> bool:
        """Whether the API server is well and says no."""
        return self in {self.ABSENT, self.UNSUPPORTED, self.FORBIDDEN}

    @property
    def exempt(self) -> bool:
        """Whether nobody waits for it: what the cluster's configuration keeps from being read must not hold up the rest."""
        return self in {self.ABSENT, self.FORBIDDEN}
