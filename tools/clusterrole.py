"""Writes deploy/statefulset/clusterrole.yaml from the kinds: `python -m tools.clusterrole`."""

from pathlib import Path
from typing import Final

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
    groups: dict[str, list[str]] = {}
    for resource in resources().values():
        if resource.default:
            groups.setdefault(resource.group, []).append(resource.plural)
    return HEAD + "".join(_rule(group, plurals) for group, plurals in sorted(groups.items()))


def _rule(group: str, plurals: list[str]) -> str:
    lines = "\n".join(f"      - {plural}" for plural in plurals)
    return f'  - apiGroups: ["{group}"]\n    resources:\n{lines}\n    verbs: [list, watch]\n'


if __name__ == "__main__":
    MANIFEST.write_text(clusterrole())
