"""Sharded kube-state-metrics: metrics of a cluster's objects from a fleet of small processes."""
