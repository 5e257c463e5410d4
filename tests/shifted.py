"""The exporter with a clock that is wrong by so many seconds: `python shifted.py SECONDS FLAGS...`."""

import sys
import time
from pathlib import Path

seconds, right = float(sys.argv.pop(1)), time.time
time.time = lambda: right() + seconds
sys.path[0] = str(Path(__file__).parents[1])

from ksm_shard.__main__ import main  # noqa: E402  after the clock

if __name__ == "__main__":
    sys.exit(main())
