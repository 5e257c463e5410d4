"""`ksm-shard rbac`: print the ClusterRole that run needs with the same flags.

The plurals of custom resources are the API server's to tell: it is asked by discovery, which every user may read.
"""

import sys
from collections.abc import Iterable
from typing import Final

from ksm_shard.assembly import declared_of, divided, enabled, filters_of
from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import ConfigurationError, RequestError
from ksm_shard.cluster.served import served
from ksm_shard.collector.declared import Declared
from ksm_shard.custom.resolve import resolve, resource_of, unserved
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings.run import Settings

OK: Final = 0
USAGE: Final = 2
HEAD: Final = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ksm-shard
rules:
"""
# Noticed by their metadata; without this right new kinds are noticed within a minute.
DEFINITIONS: Final = ("apiextensions.k8s.io", "customresourcedefinitions")

Name = tuple[str, str]  # group and plural


def rbac(settings: Settings) -> int:
    """Print the role; return 2 if it cannot be known."""
    try:
        text = role(settings)
    except (ConfigurationError, RequestError) as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"ksm-shard: {line}\n")
        return USAGE
    sys.stdout.write(text)
    return OK


def role(settings: Settings) -> str:
    """Return the role as YAML, after a comment for each entry that cannot be in it.

    Raises:
        ConfigurationError, RequestError: there are custom resources, and no API server answers.
        InvalidFileError: the file of Custom Resource State cannot be used.
    """
    filters = filters_of(settings)
    followed, _ = divided(enabled(settings), filters)
    names = {(one.group, one.plural) for one in followed}
    declared, missing = declared_of(settings), ""
    if declared is not None:
        custom, missing = _custom(settings, declared, filters)
        names |= custom | {DEFINITIONS}
    return missing + HEAD + rules(names)


def rules(names: Iterable[Name]) -> str:
    """Return a rule for each API group, with the verbs of a reflector."""
    groups: dict[str, list[str]] = {}
    for group, plural in sorted(names):
        groups.setdefault(group, []).append(plural)
    return "".join(_rule(group, plurals) for group, plurals in groups.items())


def _custom(settings: Settings, declared: Declared, filters: Filters) -> tuple[set[Name], str]:
    found = served(connect(settings.apiserver or None, settings.kubeconfig or None), frozenset(), Call())
    resources = map(resource_of, resolve(declared.entries, found))
    names = {(one.group, one.plural) for one in resources if filters.on(one.families)}
    missing = [
        f"# not served, and not in here: {one.group}/{one.version}/{one.kind}\n"
        for one in unserved(declared.entries, found)
    ]
    return names, "".join(missing)


def _rule(group: str, plurals: list[str]) -> str:
    lines = "\n".join(f"      - {plural}" for plural in plurals)
    return f'  - apiGroups: ["{group}"]\n    resources:\n{lines}\n    verbs: [list, watch]\n'
