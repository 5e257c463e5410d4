"""Write deploy/statefulset/clusterrole.yaml, what the exporter may read, from the kinds: `python -m tools.clusterrole`."""

from pathlib import Path
from typing import Final

from ksm_shard.kinds import resources

MANIFEST: Final = Path(__file__).parents[1] / "deploy/statefulset/clusterrole.yaml"

HEAD: Final = """\
# Generated from ksm_shard/kinds/, edit that instead: tox -e generate
# The resources that are exported by default; one that --resources adds needs a rule besides. Of secrets, only names and
# metadata are asked for, but RBAC cannot say so: without the right to list them they are left out, and nothing else is.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  # kustomize writes its own namespace behind the colon.
  name: ksm-shard:default
rules:
"""


def clusterrole() -> str:
    """Return the manifest: a rule for each API group of a default resource, with the verbs that a reflector needs."""
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
