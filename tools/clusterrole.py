"""Writes deploy/statefulset/clusterrole.yaml from the kinds: `python -m tools.clusterrole`."""

from pathlib import Path
from typing import Final

from ksm_shard.commands.rbac import rules
from ksm_shard.kinds import resources

MANIFEST: Final = Path(__file__).parents[1] / "deploy/statefulset/clusterrole.yaml"

HEAD: Final = """\
# Generated from ksm_shard/kinds/, edit that instead: tox -e generate
# Covers the default resources; a resource that --resources adds needs a rule of its own. Of secrets, only types and
# metadata are requested, but RBAC cannot express that. Without the right to list secrets, only secrets are left out.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  # kustomize writes its own namespace behind the colon.
  name: ksm-shard:default
rules:
"""


def clusterrole() -> str:
    """Return the manifest: a rule for each API group of the default resources, with the verbs of a reflector."""
    return HEAD + rules((one.group, one.plural) for one in resources().values() if one.default)


if __name__ == "__main__":
    MANIFEST.write_text(clusterrole())
