"""Runs all benchmarks, one after another: `python -m bench`.

Exits with 1 if one missed its goal or failed.
"""

import subprocess
import sys

failed = False
for name in ("kinds", "beside", "stamps", "tls", "custom"):
    print(f"=== {name}", flush=True)
    failed |= subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0
sys.exit(failed)
