"""Measures a rolling restart of a fleet: `python -m bench.restart [--shards 10] [--pods 5000] [--tree DIR]`.

With `--tree` the shards are those of another checkout, such as one of an older commit; all else is this one's. The pods are made
up, and somebody scrapes each shard every five seconds. Periods are shorter than in earnest, so the time to steady compares trees,
and says nothing of a cluster. Not part of `python -m bench`, as it takes four minutes.
"""

import argparse
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Final

from tests.e2e.api import Api
from tests.e2e.load import Load
from tests.e2e.statefulset import Fleet

HANDOVER: Final = 10.0
DRAIN: Final = 12.0
# Rounds, of a second each, between two scrapes.
SCRAPES: Final = 5


class Measured(Fleet):
    """A fleet that nobody holds against anything: what it exports is read and thrown away.

    Attributes:
        peak: the most memory, in bytes, that any worker ever had resident.
    """

    peak = 0

    def _scrape(self) -> None:
        rounds = 0
        while not self._stop.wait(1):
            rounds += 1
            self._count()
            for _, one in self.running():
                with suppress(OSError, IndexError):
                    status = Path(f"/proc/{one.worker()}/status").read_text()
                    self.peak = max(self.peak, int(status.partition("VmHWM:")[2].split()[0]) << 10)
                if rounds % SCRAPES == 0:
                    with suppress(OSError):
                        asked = urllib.request.Request(f"{one.url}/metrics", headers={"Accept-Encoding": "gzip"})
                        with urllib.request.urlopen(asked, timeout=30) as answer:
                            answer.read()


@contextmanager
def simulated(pods: int) -> Iterator[str]:
    """Serve made-up pods; yield the URL."""
    command = [sys.executable, "-m", "ksm_shard", "simulate", f"--pods={pods}", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--tree", type=Path, help="a checkout whose shards are to be measured")
    parser.add_argument("--flag", action="append", default=[], help="of each shard besides")
    options = parser.parse_args()
    with simulated(options.pods) as url, Api(url) as api:
        if options.tree:  # what a process imports is first looked for in its working directory
            os.chdir(options.tree)
            os.environ["PYTHONPATH"] = str(options.tree.resolve())
        flags = [f"--apiserver={url}", *options.flag]
        with Measured(api, flags, Load(api, 0, 0.0), handover=HANDOVER, drain=DRAIN) as fleet:
            fleet.scale(options.shards)
            fleet.settled()
            before, loaded, began = fleet.counts(), fleet.peak, monotonic()
            fleet.roll()
            restarted = monotonic() - began
            fleet.settled()
            steady = monotonic() - began
            cost: Counter[str] = fleet.counts()
            cost.subtract(before)
            peak = fleet.peak
    print(
        f"{options.shards} shards, {options.pods} pods: listed {cost['ksm_shard_listed_bytes_total'] / 1e6:.1f} MB in "
        f"{cost['kube_state_metrics_list_total']} lists, peak {peak / 1e6:.0f} MB (before: {loaded / 1e6:.0f} MB), "
        f"restarted in {restarted:.0f} s, steady after {steady:.0f} s"
    )


if __name__ == "__main__":
    main()
