"""Interfaces between the exporter and a membership, fixed or of a StatefulSet."""

from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Protocol

from ksm_shard.membership.selfcheck import Needs
from ksm_shard.sharding.state import State
from ksm_shard.status.model import Sibling
from ksm_shard.status.setup import Setup


class MembershipListener(Protocol):
    """The exporter, as a membership sees it. Called on the membership's thread."""

    def loaded(self) -> bytes:
        """Return the mask of slots listed for every readable resource."""

    def scraped(self) -> float:
        """Return the time since which every regular scraper has scraped.

        The time is in seconds of the monotonic clock; each scrape began later and is complete.
        """

    def placed(self) -> None:
        """Start the collectors: this pod's slots are known. Called once."""

    def changed(self, state: State) -> None:
        """Apply a new state; the ownership has been changed before."""


class Membership(Protocol):
    """The place of this process in its fleet.

    Attributes:
        pod: name of this pod; "" where shards are fixed.
    """

    pod: str

    def state(self) -> State:
        """Return the current state."""

    def phase_seconds(self) -> float:
        """Return the seconds since the current phase of the hand-over began."""

    def lost(self) -> bytes:
        """Return the mask of slots that the last change of slots took away."""

    def siblings(self) -> Sequence[Sibling]:
        """Return the pods of the fleet."""

    def watches(self) -> Mapping[str, str]:
        """Return the state of each of the membership's watches, by resource.

        Empty where shards are fixed.
        """

    def setup(self) -> Setup:
        """Return what is wrong with the set-up of the own pod and its fleet, as far as that is seen."""

    def adjust(self, needs: Needs) -> None:
        """Go by other demands on the pod from now on, the hand-over period among them."""

    def start(self, listener: MembershipListener) -> None:
        """Start the threads, and report every state to the listener."""

    def notice(self) -> None:
        """Compute the state again, because more slots may be loaded.

        Any thread may call this.
        """

    def threads(self) -> Sequence[Thread]:
        """Return the threads that must be alive from `start` to `stop`."""

    def stop(self) -> None:
        """Stop all threads without waiting for them."""
