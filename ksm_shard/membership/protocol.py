"""The questions that the exporter asks of a membership, whether the shards are fixed or those of a StatefulSet."""

from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Protocol

from ksm_shard.sharding.state import State
from ksm_shard.status.model import Sibling
from ksm_shard.status.setup import Setup


class MembershipListener(Protocol):
    """The exporter, as a membership asks and tells it. Called on the membership's thread."""

    def loaded(self) -> bytes:
        """Return the slots whose objects have been listed, of every resource that can be read."""

    def scraped(self) -> float:
        """Return the moment since which all who scrape regularly have completed a scrape, in seconds of the monotonic clock."""

    def placed(self) -> None:
        """Begin to follow: the own slots are known. Called once."""

    def changed(self, state: State) -> None:
        """Take note of a state; the ownership is changed by then."""


class Membership(Protocol):
    """The place of this process in its fleet.

    Attributes:
        pod: name of the own pod; "" where shards are fixed.
    """

    pod: str

    def state(self) -> State:
        """Return the state that is in force."""

    def phase_seconds(self) -> float:
        """Return how long the phase of the hand-over has lasted."""

    def lost(self) -> bytes:
        """Return the slots that the last change of slots took away."""

    def siblings(self) -> Sequence[Sibling]:
        """Return the pods of the fleet."""

    def watches(self) -> Mapping[str, str]:
        """Return the state of each watch that the membership has, by resource."""

    def setup(self) -> Setup:
        """Return what is wrong with the set-up of the own pod and its fleet, as far as that is seen."""

    def start(self, listener: MembershipListener) -> None:
        """Begin, and tell the listener of every state."""

    def notice(self) -> None:
        """Look again: what is loaded may have changed. Any thread may call it."""

    def threads(self) -> Sequence[Thread]:
        """Return the threads that must be alive from `start` to `stop`."""

    def stop(self) -> None:
        """End all threads, without waiting for them."""
