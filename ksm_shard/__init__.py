"""kube-state-metrics' job, sharded: the state of a cluster's objects as Prometheus metrics, from a fleet of small processes."""
