"""A series that differs, as text."""

from collections.abc import Mapping
from dataclasses import dataclass

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """A series that differs.

    Attributes:
        family: name of its family.
        labels: its labels.
        old, new: value on each side; None where it is not.
        repeated: whether the old side has it several times.
    """

    family: str
    labels: Labels
    old: float | None
    new: float | None
    repeated: bool = False

    @property
    def value(self) -> float:
        """The value on the old side, or else on the new one."""
        return next((value for value in (self.old, self.new) if value is not None), 0.0)

    def __str__(self) -> str:
        """Return the series as in the text format, with its values on each side."""
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in self.labels.items())
        values = " -> ".join(repr(value) for value in (self.old, self.new) if value is not None)
        return f"{self.family}{{{labels}}} {values}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
