"""Which resources entries are about, of those that the API server has."""

import pytest

from ksm_shard.custom.entries import Entry
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Served, resolve, resource_of, unserved

THINGS = [Served("example.org", version, "Thing", "things") for version in ("v1", "v1beta1")]
OTHERS = [
    Served("example.org", "v1", "Other", "others", namespaced=False),
    Served("example.net", "v1", "Thing", "things"),
]
PODS = Served("", "v1", "Pod", "pods")


def entries(*kinds: str) -> list[Entry]:
    """Return entries about kinds, each with a metric whose name tells its place."""
    listed = [
        f"  - {{groupVersionKind: {{{kind}}}, metricNamePrefix: '', metrics: [{{name: m{at}, each: {{type: Info, info: {{}}}}}}]}}\n"
        for at, kind in enumerate(kinds)
    ]
    found, problems = read("spec:\n  resources:\n" + "".join(listed))
    assert [] == problems
    return found


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("group: example.org, version: v1, kind: Thing", ["things.v1.example.org"]),
        ("group: example.org, version: '*', kind: Thing", ["things.v1.example.org", "things.v1beta1.example.org"]),
        ("group: example.org, version: v1", ["others.v1.example.org", "things.v1.example.org"]),
        ("group: example.org, version: v1, kind: ''", ["others.v1.example.org", "things.v1.example.org"]),
        ("group: example.org", ["others.v1.example.org", "things.v1.example.org", "things.v1beta1.example.org"]),
        ("group: '', version: v1, kind: Pod", ["pods.v1"]),
        ("group: example.org, version: v2", []),
        ("group: Example.org", []),
    ],
)
def test_resolved(kind: str, wanted: list[str]) -> None:
    """A wildcard is every served version and every kind, in order; names are of the plural, the version and the group."""
    served = [*OTHERS, *THINGS, PODS]
    found = entries(kind)

    assert wanted == [resource_of(one).name for one in resolve(found, served)]
    assert ([] if wanted else found) == unserved(found, served)


def test_entries_add_up() -> None:
    """Several entries about a kind are one resource with the metrics of all; the reference keeps the last."""
    (found,) = resolve(
        entries("group: example.org, version: v1, kind: Thing", "group: example.org, kind: Thing"), THINGS[:1]
    )

    assert ["m0", "m1"] == [family.name for family in resource_of(found).families]


def test_paths() -> None:
    """A resource is listed where the API has it, and known as of its kind."""
    listed = entries("group: example.org", "group: '', kind: Pod")
    found = {one.name: one for one in map(resource_of, resolve(listed, [*OTHERS, PODS]))}

    assert "/apis/example.org/v1/others" == found["others.v1.example.org"].path
    assert "/api/v1/pods" == found["pods.v1"].path
    assert ("Other", False) == (found["others.v1.example.org"].kind, found["others.v1.example.org"].namespaced)
    assert not found["pods.v1"].default


IDENTITY = "name: [metadata, name], namespace: [metadata, namespace]"


@pytest.mark.parametrize(
    ("labels", "more", "repeats"),
    [
        (IDENTITY, "", False),
        ("uid: [metadata, uid]", "", False),
        ("name: [metadata, name]", "", True),
        (f"{IDENTITY}, customresource_version: [metadata, uid]", "", True),
        (f"{IDENTITY}, '*': [metadata, labels]", "", True),
        (f"{IDENTITY}, 'label_*': [metadata, labels]", "", False),
        (f"{IDENTITY}, 'custom*': [metadata, labels]", "", True),
        (IDENTITY, ", labelFromKey: customresource_kind", True),
        (IDENTITY, ", labelFromKey: key", False),
        (IDENTITY, ", labelsFromPath: {name: [x]}", True),
    ],
)
def test_series_of_several(labels: str, more: str, repeats: bool) -> None:
    """What may be the series of two objects, or of two kinds or versions, is looked through for a second one."""
    metric = f"{{name: m, each: {{type: Gauge, gauge: {{path: [spec]{more}}}}}}}"
    entry = f"{{groupVersionKind: {{group: example.org}}, labelsFromPath: {{{labels}}}, metrics: [{metric}]}}"
    found, problems = read(f"spec: {{resources: [{entry}]}}")
    assert [] == problems

    assert {repeats} == {family.repeats for one in resolve(found, THINGS) for family in resource_of(one).families}
