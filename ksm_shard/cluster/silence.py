"""Detect a stalled watch by the silences that are usual for its target.

A proxy that has lost the server may keep its connection to us open forever. Bookmarks come about once a minute where the
server sends any; a server that sends none is silent while nothing changes. So the bound is three times the longest silence
of this watch and of the one before, and at least three minutes. A watch that brought nothing at all may be usual: the
next watch may be silent for three times as long.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Final

from ksm_shard.cluster.calls import PATIENT
from ksm_shard.cluster.errors import Stalled, Unavailable
from ksm_shard.cluster.protocols import Events, Opened

# Seconds: of three bookmarks, two may be late.
LEAST: Final = 180.0
TIMES: Final = 3.0


class Silence:
    """The longest silences of the watches of one target."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock in seconds."""
        self._clock = clock
        self._before = 0.0  # the longest silence of the last watch

    def bounded(self, opened: Opened) -> Events:
        """Yield the events of a watch until it stalls or ends.

        Raises:
            Stalled: nothing came for too long.
            RequestError: as the watch does.
        """
        longest, heard = 0.0, False
        bound = self._bound(longest)
        opened.call.expect(bound)
        asked = self._clock()
        try:
            with closing(opened.events) as events:
                for one in events:
                    silence = self._clock() - asked
                    if silence > longest:
                        longest = silence
                        if self._bound(longest) > bound:
                            bound = self._bound(longest)
                            opened.call.expect(bound)
                    heard = True
                    yield one
                    asked = self._clock()
        except Unavailable as error:
            silence = self._clock() - asked
            if silence < bound - PATIENT:
                raise
            self._before = longest if heard else silence
            raise Stalled(error.path, f"the watch said nothing for {silence:.0f} s") from error
        self._before = max(longest, self._clock() - asked)

    def _bound(self, longest: float) -> float:
        return max(LEAST, TIMES * max(longest, self._before))
