"""The membership of a process with fixed shards (`--shard`, `--total-shards`): nothing ever changes."""

import time
from collections.abc import Mapping, Sequence
from threading import Thread

from ksm_shard.membership.protocol import MembershipListener
from ksm_shard.sharding.masks import NONE
from ksm_shard.sharding.ring import Ring
from ksm_shard.sharding.state import State, static
from ksm_shard.status.model import Sibling
from ksm_shard.status.setup import Setup


class StaticMembership:
    """A Membership whose one state lasts for ever."""

    pod = ""

    def __init__(self, ring: Ring, shard: int, total: int) -> None:
        """Take the place of this process.

        Raises:
            ValueError: there is no such shard.
        """
        self._state = static(ring, shard, total)
        self._since = time.monotonic()

    def state(self) -> State:
        """See Membership."""
        return self._state

    def phase_seconds(self) -> float:
        """See Membership."""
        return time.monotonic() - self._since

    def lost(self) -> bytes:
        """See Membership."""
        return NONE

    def siblings(self) -> Sequence[Sibling]:
        """See Membership."""
        return ()

    def watches(self) -> Mapping[str, str]:
        """See Membership."""
        return {}

    def setup(self) -> Setup:
        """Return nothing: fixed shards need not be pods."""
        return {}

    def start(self, listener: MembershipListener) -> None:
        """See Membership."""
        listener.placed()

    def notice(self) -> None:
        """See Membership."""

    def threads(self) -> Sequence[Thread]:
        """See Membership."""
        return ()

    def stop(self) -> None:
        """See Membership."""
