"""The checks that a process makes of how it was set up, and what they find."""

import logging
import threading
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

LOG: Final = logging.getLogger(__name__)


class SetupCheck(StrEnum):
    """A check: a closed set, as each is the value of a label. The first four are of the own pod, and need a StatefulSet."""

    READINESS_PROBE = "readiness_probe"  # others see within half a hand-over period that not everything is loaded
    LIVENESS_PROBE = "liveness_probe"  # nobody restarts a process that loads
    GRACE_PERIOD = "grace_period"  # the kubelet lets the pod drain
    SHARED_SELECTOR = "shared_selector"  # the selector of the StatefulSet selects its own pods only
    RIGHTS = "rights"  # what could be read still may be


# One line for each check that has found something.
Setup = Mapping[SetupCheck, str]


class SetupLog:
    """The log of what is found: each change of it once. Any thread may tell."""

    def __init__(self) -> None:
        """Begin with nothing found."""
        self._last: Setup = {}
        self._lock = threading.Lock()

    def tell(self, setup: Setup) -> None:
        """Log what is different from what was told before."""
        with self._lock:
            before, self._last = self._last, setup
        for check, line in setup.items():
            if line != before.get(check):
                LOG.warning("set-up: %s: %s", check, line)
        for check in before.keys() - setup.keys():
            LOG.info("set-up: %s: all is well again", check)
