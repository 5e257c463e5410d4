"""Table of the side-by-side benchmark, as Markdown."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.contestants import Contestant


@dataclass
class Row:
    """A line of the table: figures of each contestant by its name, one a round."""

    what: str
    unit: str
    goal: str
    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contestant: Contestant, figure: float) -> None:
        """Add the figure of a round."""
        self.figures.setdefault(contestant.name, []).append(figure)

    def text(self, names: Sequence[str]) -> str:
        """Return the line as Markdown."""
        cells = [self._cell(self.figures.get(name, [])) for name in names]
        ours, *others = (self.figures.get(name) for name in names)
        ratio = (
            f"{median(ours) / median(others[0]):.3g}" if ours and others and others[0] and median(others[0]) > 0 else ""
        )
        return f"| {self.what} | {' | '.join([*cells, ratio, self.goal])} |"

    def _cell(self, figures: list[float]) -> str:
        if not figures:
            return "-"
        spread = f" ({min(figures):.3g} to {max(figures):.3g})" if len(figures) > 1 else ""
        return f"{median(figures):.3g} {self.unit}{spread}"


class Table:
    """Rows, in the order in which their first figures came."""

    def __init__(self, names: Sequence[str]) -> None:
        """Make a column of each name."""
        self._names = names
        self._rows: dict[str, Row] = {}

    def add(self, what: str, contestant: Contestant, figure: float, unit: str, goal: str = "") -> None:
        """Add a figure."""
        self._rows.setdefault(what, Row(what, unit, goal)).add(contestant, figure)
        print(f"  {contestant.name}: {what}: {figure:.4g} {unit}", file=sys.stderr, flush=True)

    def text(self) -> str:
        """Return the table as Markdown."""
        head = f"| | {' | '.join(self._names)} | ratio | goal |\n|{'---|' * (len(self._names) + 3)}"
        return "\n".join([head, *(row.text(self._names) for row in self._rows.values())])
