"""What every declaration of a kind must obey. What each family says of an object, the goldens tell."""

import re
from collections import Counter

import pytest

from ksm_shard.kinds import names, resources
from ksm_shard.metrics.families import ALPHA, STABLE
from ksm_shard.wire.reading import Reading

RESOURCES = resources()
METRIC = re.compile(r"kube_[a-z][a-z0-9_]*")
# No label of ours begins with `__`, which is Prometheus' own ("Metric and label naming").
LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")

# On without a flag, and so asked of every API server and in the ClusterRole: what kube-state-metrics 2.20 exports by default.
DEFAULT = {
    "certificatesigningrequests",
    "configmaps",
    "cronjobs",
    "daemonsets",
    "deployments",
    "endpointslices",
    "horizontalpodautoscalers",
    "ingresses",
    "jobs",
    "leases",
    "limitranges",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "namespaces",
    "networkpolicies",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "poddisruptionbudgets",
    "pods",
    "replicasets",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "statefulsets",
    "storageclasses",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "volumeattachments",
}
# What is on besides.
OURS = {"users"}


def test_the_defaults_are_those_of_the_reference_and_users() -> None:
    """Whoever comes from kube-state-metrics 2.20 gets the same 32 resources without a flag, and KubeSphere's users."""
    on = {plural for plural, resource in RESOURCES.items() if resource.default}

    assert set() == DEFAULT - on, "on in kube-state-metrics 2.20: leave out default=False in their files"
    assert set() == on - DEFAULT - OURS, (
        "say default=False in their files; or, if every user is to list them without having asked, add them to OURS above"
    )


def test_a_module_is_named_by_the_plural_of_its_resource() -> None:
    """What is discovered by name says the same name itself."""
    assert {} == {name: resource.plural for name, resource in RESOURCES.items() if resource.plural != name}
    assert list(names()) == list(RESOURCES)


def test_family_names_are_unique() -> None:
    """No two kinds declare one family: its HELP would be written twice, which ends a scrape."""
    counted = Counter(family.name for resource in RESOURCES.values() for family in resource.families)

    assert [] == [name for name, count in counted.items() if count > 1], "declared by two kinds, or twice by one"


@pytest.mark.parametrize("plural", RESOURCES)
def test_families_are_well_declared(plural: str) -> None:
    """Names are valid, the help is a sentence, stability and type are known."""
    for family in RESOURCES[plural].families:
        assert METRIC.fullmatch(family.name)
        assert re.fullmatch(r"[A-Z0-9].*[^.\s]\.", family.help), family.help
        assert family.stability in {STABLE, ALPHA}, family.name
        assert family.type in {"gauge", "counter"}, family.name


@pytest.mark.parametrize("plural", RESOURCES)
def test_labels_are_valid_and_not_repeated(plural: str) -> None:
    """Neither within a family, nor between it, its part and its resource: Prometheus refuses such a scrape."""
    resource = RESOURCES[plural]
    for family in resource.families:
        labels = [*resource.labels, *(family.part.all_labels if family.part else ()), *family.labels]

        assert [] == [label for label in labels if not LABEL.fullmatch(label)], family.name
        assert set(family.sparse) <= set(family.labels), family.name
        assert [] == [label for label, count in Counter(labels).items() if count > 1], family.name
        # Nor can a label that a mapping makes of a key be one of those.
        assert not (family.prefix and [label for label in labels if label.startswith(f"{family.prefix}_")]), family.name


@pytest.mark.parametrize("plural", RESOURCES)
def test_a_shape_has_what_it_needs(plural: str) -> None:
    """States are there for the shapes that choose among them, prefixes for mappings; states are written unescaped."""
    for family in RESOURCES[plural].families:
        assert (family.shape in {"one_hot", "states"}) == bool(family.states), family.name
        assert (family.shape == "mapping") == bool(family.prefix), family.name
        assert len({*family.states}) == len(family.states), family.name
        assert [] == [state for state in family.states if not re.fullmatch(r"\w+", state)], family.name


@pytest.mark.parametrize("plural", RESOURCES)
def test_an_object_is_told_by_its_labels(plural: str) -> None:
    """Its name is one of them, and its namespace wherever there are namespaces."""
    resource = RESOURCES[plural]

    assert "name" in resource.labels.values()
    assert "namespace" in resource.labels.values() or not resource.namespaced


def test_what_needs_only_metadata_is_read_as_metadata() -> None:
    """A resource that asks for PartialObjectMetadata parses that, and says which kind the objects are."""
    metadata = [resource for resource in RESOURCES.values() if resource.reading is Reading.METADATA]

    assert {"configmaps", "clusterroles", "roles", "users"} <= {resource.plural for resource in metadata}
    assert {"PartialObjectMetadata"} == {resource.shape.name for resource in metadata}
    assert "PartialObjectMetadata" not in {resource.kind for resource in RESOURCES.values()}


def test_secrets_are_read_as_a_table() -> None:
    """Of secrets the exporter asks for cells and metadata: their data never reach it."""
    secrets = RESOURCES["secrets"]

    assert (Reading.TABLE, {"type": 1}) == (secrets.reading, secrets.columns)


@pytest.mark.parametrize(
    ("plural", "kind", "path"),
    [
        ("pods", "Pod", "/api/v1/pods"),
        ("endpoints", "Endpoints", "/api/v1/endpoints"),
        ("configmaps", "ConfigMap", "/api/v1/configmaps"),
        ("deployments", "Deployment", "/apis/apps/v1/deployments"),
        ("cronjobs", "CronJob", "/apis/batch/v1/cronjobs"),
        ("endpointslices", "EndpointSlice", "/apis/discovery.k8s.io/v1/endpointslices"),
        ("horizontalpodautoscalers", "HorizontalPodAutoscaler", "/apis/autoscaling/v2/horizontalpodautoscalers"),
        ("networkpolicies", "NetworkPolicy", "/apis/networking.k8s.io/v1/networkpolicies"),
        ("roles", "Role", "/apis/rbac.authorization.k8s.io/v1/roles"),
        ("users", "User", "/apis/iam.kubesphere.io/v1alpha2/users"),
    ],
)
def test_where_the_api_has_a_kind(plural: str, kind: str, path: str) -> None:
    """Kinds and paths are those of the API reference."""
    assert (kind, path) == (RESOURCES[plural].kind, RESOURCES[plural].path)
