"""Write tests/kinds/expected/, the text of a scrape of each kind's example objects: `python -m tools.goldens`."""

import sys
from collections.abc import Iterator

from ksm_shard.kinds import resources
from ksm_shard.metrics.families import Resource
from tests.kinds.rendering import EXPECTED, OBJECTS, Renderer, objects


def main() -> int:
    """Write a text for each kind, and remove those of kinds that are gone; return 1 if objects are missing or not enough."""
    kinds = resources()
    for path in EXPECTED.iterdir():
        if path.stem not in kinds:
            path.unlink()
    problems = [problem for resource in kinds.values() for problem in _write(resource)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _write(resource: Resource) -> Iterator[str]:
    """Write the text of one kind; yield a line for each thing that is to be mended by hand."""
    source = OBJECTS / f"{resource.plural}.jsonl"
    name = source.relative_to(OBJECTS.parents[2])
    if not source.exists():
        yield f"{name}: no such file; it holds objects as the API serves them, one a line, with a sample for each family"
        return
    renderer = Renderer(resource)
    messages = objects(resource)
    (EXPECTED / f"{resource.plural}.prom").write_text(renderer.text(*messages))
    yield from (f"{name}: {family} raises {error!r}" for family, error in renderer.failures)
    yield from (
        f"{name}: no object has a sample of {family.name}; add one"
        for family, text in Renderer(resource).samples(*messages).items()
        if not text
    )


if __name__ == "__main__":
    sys.exit(main())
