"""Regenerates all generated files, in order of their dependencies: `python -m tools` or `tox -e generate`."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
# Each step runs in a process of its own, because steps import modules that earlier steps write. tools.fields and tools.tags are no
# steps, as they need the source of Kubernetes' API.
STEPS: Final = (
    ("-m", "tools.messages"),
    ("-m", "tools.goldens"),
    ("-m", "tools.clusterrole"),
    ("-m", "tools.prometheusrule"),
    ("-m", "tools.chart"),
    ("-m", "tools.options_page"),
    ("-m", "tools.metrics_page"),
)


def main() -> int:
    """Run all steps; return the exit status of the first that fails, or 0."""
    for step in STEPS:
        print(" ".join(step), flush=True)
        status = subprocess.run([sys.executable, *step], cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
