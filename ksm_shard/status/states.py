"""States of a reflector, for the telemetry, the pages, readiness and `check`."""

from enum import StrEnum


class ReflectorState(StrEnum):
    """A state of a reflector, ordered from the best to the worst."""

    WATCHING = "watching"
    LISTING = "listing"
    ADDING = "adding"  # lists the gained slots
    STARTING = "starting"
    STOPPED = "stopped"
    WAITING = "waiting"  # after a failure, until the next attempt
    ABSENT = "absent"  # 404: the API is not served
    UNSUPPORTED = "unsupported"  # another refusal
    FORBIDDEN = "forbidden"  # 403

    @property
    def trouble(self) -> int:
        """The place in the order of states.

        Of several reflectors the one with the highest place speaks for all.
        """
        return list(ReflectorState).index(self)

    @property
    def well(self) -> bool:
        """True if the reflector reads, or is about to."""
        return self in {self.WATCHING, self.LISTING, self.ADDING, self.STARTING}

    @property
    def refused(self) -> bool:
        """True if the API server is well but refuses."""
        return self in {self.ABSENT, self.UNSUPPORTED, self.FORBIDDEN}

    @property
    def exempt(self) -> bool:
        """True if readiness does not wait for the reflector.

        Resources that the cluster's configuration makes unreadable must not hold up the others.
        """
        return self in {self.ABSENT, self.FORBIDDEN}
