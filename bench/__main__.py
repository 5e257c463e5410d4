"""All benchmarks, one after another: `python -m bench`. The exit code is 1 if one of them missed its goal, or failed."""

import subprocess
import sys

failed = False
for name in ("kinds", "table", "stamps"):
    print(f"=== {name}", flush=True)
    failed |= subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0
sys.exit(failed)
