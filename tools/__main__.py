"""Write all generated files anew, in the order in which they depend on each other: `python -m tools`, or `tox -e generate`."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
# Processes of their own, as the modules that one step writes are imported by the next. tools.fields and tools.tags are none of
# them, as they need the source of Kubernetes' API.
STEPS: Final = (
    ("-m", "tools.messages"),
    ("-m", "tools.goldens"),
    ("-m", "tools.clusterrole"),
    ("-m", "tools.prometheusrule"),
    ("-m", "tools.options_page"),
    ("-m", "tools.metrics_page"),
)


def main() -> int:
    """Take all steps; return the exit status of the first that failed, 0 if none did."""
    for step in STEPS:
        print(" ".join(step), flush=True)
        status = subprocess.run([sys.executable, *step], cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
