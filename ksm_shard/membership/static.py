"""Membership of a process with fixed shards (`--shard`, `--total-shards`), which never changes."""

import time
from collections.abc import Mapping, Sequence
from threading import Thread

from ksm_shard.membership.protocol import MembershipListener
from ksm_shard.membership.selfcheck import Needs
from ksm_shard.sharding.masks import NONE
from ksm_shard.sharding.ring import Ring
from ksm_shard.sharding.state import State, static
from ksm_shard.status.model import Sibling
from ksm_shard.status.setup import Setup


class StaticMembership:
    """A Membership with one state that lasts forever."""

    pod = ""

    def __init__(self, ring: Ring, shard: int, total: int) -> None:
        """Take the shard of this process, and the number of shards.

        Raises:
            ValueError: the shard is not from 0 to `total` - 1.
        """
        self._state = static(ring, shard, total)
        self._since = time.monotonic()

    def state(self) -> State:
        """Return the only state."""
        return self._state

    def phase_seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._since

    def lost(self) -> bytes:
        """Return the empty mask: fixed shards lose no slots."""
        return NONE

    def siblings(self) -> Sequence[Sibling]:
        """Return nothing: other shards are unknown."""
        return ()

    def watches(self) -> Mapping[str, str]:
        """Return nothing: fixed shards need no watch."""
        return {}

    def setup(self) -> Setup:
        """Return nothing: fixed shards need not be pods."""
        return {}

    def adjust(self, needs: Needs) -> None:
        """Do nothing: fixed shards hand nothing over."""

    def start(self, listener: MembershipListener) -> None:
        """Tell the listener that this shard's slots are known."""
        listener.placed()

    def notice(self) -> None:
        """Do nothing: the state never changes."""

    def threads(self) -> Sequence[Thread]:
        """Return nothing: fixed shards need no thread."""
        return ()

    def stop(self) -> None:
        """Do nothing: no thread runs."""
