"""A small Kubernetes API server in memory, for the demo, the benchmarks and the tests.

tests/simulator/test_honest.py compares the simulator's behaviour with a real API server. Of the exporter, the simulator imports
only `wire`, so that the two cannot agree on a mistake.
"""

from ksm_shard.simulator.simulator import Simulator

__all__ = ["Simulator"]
