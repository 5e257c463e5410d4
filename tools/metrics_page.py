"""Write docs/metrics.md, what every family says, from the kinds and their goldens: `python -m tools.metrics_page`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ksm_shard.kinds import resources
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.wire.codec import WITHHELD
from ksm_shard.wire.reading import Reading

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs/metrics.md"
GOLDENS: Final = ROOT / "tests/kinds/expected"

INTRODUCTION: Final = """\
<!-- Generated from ksm_shard/kinds/ and tests/kinds/, edit those instead: tox -e generate -->

# Metrics

{families} families of {kinds} kinds of objects, with the names, types and labels of kube-state-metrics; `users` are of KubeSphere.

- Every series of a kind has the labels that identify the object; the tables list what a family has besides.
- `label_*` and the like are made of Kubernetes keys: `app.kubernetes.io/name` is `label_app_kubernetes_io_name`. Labels and
  annotations of objects are shown as far as `--metric-labels-allowlist` and `--metric-annotations-allowlist` name them.
- In parentheses behind a label: its values, each of which has a series; that of the current one is 1, the others are 0.
- Labels in brackets are left out where there is nothing to say.
- Opt-in families are written if `--metric-opt-in-list` names them.
- Times are Unix seconds, sizes bytes, CPU cores, ratios fractions of 1.

## What is read

Of most kinds, whole objects are asked for, and only those of their fields kept that some family reads. Of these, less:

| asked for | kinds |
|---|---|
{readings}

Of secrets, these annotations are dropped where the Table is read, and shown by no allowlist, as tools keep a secret's data in them:
{withheld}.
"""


def page() -> str:
    """Return the text of docs/metrics.md."""
    kinds = resources()
    introduction = INTRODUCTION.format(
        families=sum(len(resource.families) for resource in kinds.values()),
        kinds=len(kinds),
        readings="\n".join(_readings(kinds)),
        withheld=", ".join(f"`{key}`" for key in sorted(WITHHELD)),
    )
    return introduction + "".join(_section(resource) for resource in kinds.values())


def _readings(kinds: Mapping[str, Resource]) -> Iterator[str]:
    for reading in Reading:
        plurals = [plural for plural, resource in kinds.items() if resource.reading is reading]
        if reading is not Reading.FULL and plurals:
            yield f"| {reading.value} | {', '.join(plurals)} |"


def _section(resource: Resource) -> str:
    facts = [
        f"`{resource.api_version}`",
        "namespaced" if resource.namespaced else "cluster-scoped",
        "exported by default" if resource.default else "exported if `--resources` names them",
        f"identified by {_codes(resource.labels)}",
    ]
    rows = "".join(_row(family) for family in resource.families)
    examples = "".join(f"{line}\n" for line in _examples(resource))
    return (
        f"\n## {resource.plural}\n\n{', '.join(facts)}.\n\n"
        f"| family | type | stability | labels | what it says |\n|---|---|---|---|---|\n{rows}"
        + (f"\n```text\n{examples}```\n" if examples else "")
    )


def _row(family: Family) -> str:
    notes = ["Opt-in."] if family.opt_in else []
    if family.deprecated_since:
        notes.append(f"Deprecated since {family.deprecated_since}.")
    cells = (
        f"`{family.name}`",
        family.type,
        family.stability,
        ", ".join(_labels(family)),
        " ".join([family.help, *notes]),
    )
    return f"| {' | '.join(cells)} |\n"


def _labels(family: Family) -> Iterator[str]:
    names = [*(family.part.labels if family.part else ()), *family.labels]
    for label in names:
        states = f" ({', '.join(family.states)})" if family.states and label == names[-1] else ""
        yield f"[`{label}`]" if label in family.sparse else f"`{label}`{states}"
    if family.prefix:
        yield f"`{family.prefix}_*`"


def _examples(resource: Resource) -> Iterator[str]:
    """Yield the first sample of each family that the goldens show."""
    golden = GOLDENS / f"{resource.plural}.prom"
    lines = golden.read_text().splitlines() if golden.exists() else []
    for family in resource.families:
        yield from [line for line in lines if line.startswith(f"{family.name}{{")][:1]


def _codes(labels: Mapping[str, str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


if __name__ == "__main__":
    PAGE.write_text(page())
