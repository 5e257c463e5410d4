"""Custom resources of a process whose settings declare none."""

from collections.abc import Sequence
from threading import Thread


class NoCustomResources:
    """The part of CustomResources that an exporter asks, without any."""

    def start(self, listener: object) -> None:
        """Do nothing."""

    def redeclare(self, declared: object, recipe_of: object) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def threads(self) -> Sequence[Thread]:
        """Return no threads."""
        return ()

    def awaited(self) -> Sequence[str]:
        """Return no reasons to wait."""
        return ()

    def declares(self, name: str) -> bool:
        """Return that no entry has the name."""
        del name
        return False

    def notes(self) -> Sequence[str]:
        """Return no lines."""
        return ()

    def status(self) -> None:
        """Return no state."""
