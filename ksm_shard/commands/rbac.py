"""`ksm-shard rbac`: print the ClusterRole and the Roles that run needs with the same flags.

The plurals of custom resources are the API server's to tell: it is asked by discovery, which every user may read.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from ksm_shard.assembly import declared_of, divided, enabled, filters_of
from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import ConfigurationError, RequestError
from ksm_shard.cluster.served import served
from ksm_shard.collector.declared import Declared
from ksm_shard.custom.resolve import resolve, resource_of, unserved
from ksm_shard.metrics.families import Resource
from ksm_shard.metrics.filters import Filters
from ksm_shard.settings.run import Settings

OK: Final = 0
USAGE: Final = 2
# Noticed by their metadata; without this right new kinds are noticed within a minute.
DEFINITIONS: Final = ("apiextensions.k8s.io", "customresourcedefinitions")
READ: Final = ("list", "watch")
FOLLOW: Final = ("get", "list", "watch")

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
    """Return the roles as YAML, after a comment for each entry that cannot be in them.

    There is a ClusterRole, and a Role in each namespace of --namespaces and, with --pod, in that of the pod.

    Raises:
        ConfigurationError, RequestError: there are custom resources, and no API server answers.
        InvalidFileError: the file of Custom Resource State cannot be used.
    """
    filters = filters_of(settings)
    followed, _ = divided(enabled(settings), filters)
    declared, missing, everywhere = declared_of(settings), "", set[Name]()
    if declared is not None:
        custom, missing = _custom(settings, declared, filters)
        followed, everywhere = followed + custom, {DEFINITIONS}
    within = [name for name in dict.fromkeys(settings.namespaces) if name not in settings.namespaces_denylist]
    namespaced = {_name(one) for one in followed if one.namespaced and within}
    everywhere |= {_name(one) for one in followed} - namespaced
    roles = {"": rules(everywhere)} | {namespace: rules(namespaced) for namespace in within if namespaced}
    if settings.auth_filter:
        roles[""] += _rule("authentication.k8s.io", ["tokenreviews"], ["create"])
        roles[""] += _rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"])
    if settings.pod:
        membership = _rule("", ["pods"], FOLLOW) + _rule("apps", ["statefulsets"], FOLLOW)
        roles[settings.pod_namespace] = roles.get(settings.pod_namespace, "") + membership
    return missing + "---\n".join(_document(namespace, text) for namespace, text in roles.items() if text)


def rules(names: Iterable[Name]) -> str:
    """Return a rule for each API group, with the verbs of a reflector."""
    groups: dict[str, list[str]] = {}
    for group, plural in sorted(names):
        groups.setdefault(group, []).append(plural)
    return "".join(_rule(group, plurals, READ) for group, plurals in groups.items())


def _document(namespace: str, text: str) -> str:
    kind, where = ("Role", f"\n  namespace: {namespace}") if namespace else ("ClusterRole", "")
    head = f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: ksm-shard{where}\n"
    return f"{head}rules:\n{text}"


def _name(resource: Resource) -> Name:
    return resource.group, resource.plural


def _custom(settings: Settings, declared: Declared, filters: Filters) -> tuple[list[Resource], str]:
    found = served(connect(settings.apiserver or None, settings.kubeconfig or None), frozenset(), Call())
    resources = map(resource_of, resolve(declared.entries, found))
    missing = [
        f"# not served, and not in here: {one.group}/{one.version}/{one.kind}\n"
        for one in unserved(declared.entries, found)
    ]
    return [one for one in resources if filters.on(one.families)], "".join(missing)


def _rule(group: str, plurals: Sequence[str], verbs: Sequence[str]) -> str:
    lines = "\n".join(f"      - {plural}" for plural in plurals)
    return f'  - apiGroups: ["{group}"]\n    resources:\n{lines}\n    verbs: [{", ".join(verbs)}]\n'
