"""The HELP and TYPE lines of a family."""

from ksm_shard.metrics.families import ALPHA, STABLE, Family
from ksm_shard.metrics.headers import header

INFO = Family("kube_pod_info", "Where it runs.", STABLE, "info", lambda pod: ())
RESTARTS = Family("kube_pod_restarts_total", "How often.", ALPHA, "value", lambda pod: 0, type="counter")
PORTS = Family("kube_ports", "Ports.", STABLE, "info", lambda endpoints: (), deprecated_since="v2.14.0")


def test_the_help_begins_with_the_stability() -> None:
    """As kube-state-metrics has it, so that whoever reads a scrape sees what may change."""
    assert "# HELP kube_pod_info [STABLE] Where it runs.\n# TYPE kube_pod_info gauge\n" == header(INFO)


def test_a_deprecated_family_says_since_when() -> None:
    """Between its stability and its help."""
    assert "# HELP kube_ports [STABLE] (Deprecated since v2.14.0) Ports.\n# TYPE kube_ports gauge\n" == header(PORTS)


def test_openmetrics_names_a_counter_without_its_suffix() -> None:
    """Its samples keep it; in the text format, and for gauges, there is no difference (OpenMetrics 1.0, "Counter")."""
    plain = "# HELP kube_pod_restarts_total [ALPHA] How often.\n# TYPE kube_pod_restarts_total counter\n"

    assert plain == header(RESTARTS)
    assert plain.replace("restarts_total", "restarts") == header(RESTARTS, openmetrics=True)
    assert header(INFO) == header(INFO, openmetrics=True)
