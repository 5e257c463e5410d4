"""A small, honest Kubernetes API server in memory, for the demo, the bench and the tests.

What it promises is held against a real API server by tests/simulator/test_honest.py. It knows nothing of the exporter
but the wire, so that the two cannot agree on a mistake.
"""

from ksm_shard.simulator.simulator import Simulator

__all__ = ["Simulator"]
