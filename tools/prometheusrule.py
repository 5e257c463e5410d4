"""Writes deploy/monitoring/prometheusrule.yaml from the plain rules beside it: `python -m tools.prometheusrule`."""

import re
from pathlib import Path
from typing import Final

RULES: Final = Path(__file__).parents[1] / "deploy/monitoring/ksm-shard.rules.yaml"
MANIFEST: Final = RULES.parent / "prometheusrule.yaml"

HEAD: Final = """\
# Generated from ksm-shard.rules.yaml, edit that instead: tox -e generate
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: ksm-shard
  labels:
    app.kubernetes.io/name: ksm-shard
spec:
  groups:
"""


def prometheusrule() -> str:
    """Return the manifest, which contains the groups of the rules."""
    return HEAD + re.sub(r"(?m)^(?=.)", "  ", RULES.read_text().partition("groups:\n")[2])


if __name__ == "__main__":
    MANIFEST.write_text(prometheusrule())
