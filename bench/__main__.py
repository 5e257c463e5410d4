"""All benchmarks, one after another: `python -m bench`."""

import subprocess
import sys

for name in ("kinds", "table"):
    print(f"=== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)
