"""Writes docs/metrics.md from the kinds and their goldens: `python -m tools.metrics_page`."""

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

- Every series of a kind has the labels that identify the object; the tables list the further labels of each family.
- Labels such as `label_*` are made of Kubernetes keys: `app.kubernetes.io/name` becomes `label_app_kubernetes_io_name`. Labels and
  annotations of objects are exported if `--metric-labels-allowlist` or `--metric-annotations-allowlist` names them.
- Values in parentheses behind a label have a series each: 1 for the current value, 0 for the others.
- Labels in brackets are left out where they do not apply.
- Opt-in families are exported if `--metric-opt-in-list` names them.
- Times are Unix seconds, sizes bytes, CPU cores, ratios fractions of 1.

## What is read

Most kinds are requested as whole objects, of which only the fields that some family reads are parsed. Less is requested of these:

| requested | kinds |
|---|---|
{readings}

Tools keep data of a secret in some of its annotations. These are dropped when the Table is read, and no allowlist exports them:
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
        f"| family | type | stability | labels | meaning |\n|---|---|---|---|---|\n{rows}"
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
    names = [*(family.part.all_labels if family.part else ()), *family.labels]
    for label in names:
        states = f" ({', '.join(family.states)})" if family.states and label == names[-1] else ""
        yield f"[`{label}`]" if label in family.sparse else f"`{label}`{states}"
    if family.prefix:
        yield f"`{family.prefix}_*`"


def _examples(resource: Resource) -> Iterator[str]:
    """Yield the first sample of each family in the golden of a resource."""
    golden = GOLDENS / f"{resource.plural}.prom"
    lines = golden.read_text().splitlines() if golden.exists() else []
    for family in resource.families:
        yield from [line for line in lines if line.startswith(f"{family.name}{{")][:1]


def _codes(labels: Mapping[str, str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


if __name__ == "__main__":
    PAGE.write_text(page())
