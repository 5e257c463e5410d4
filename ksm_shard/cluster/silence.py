"""How long watches are silent as a rule, and from when on one has stalled.

A proxy that has lost the server may keep its connection to us open for ever. Bookmarks come about once a minute where the
server sends any; one that sends none is silent for as long as nothing happens. So the measure is what the watches of a target
have shown: three times the longest silence of this watch and of the one before it, and at least three minutes. The silence of
a watch that never said a word may be usual: the next one is waited for three times as long.
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
        self._before = 0.0  # the longest of the last watch

    def bounded(self, opened: Opened) -> Events:
        """Yield the events of a watch.

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
