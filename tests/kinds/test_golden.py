"""The text of a scrape, kind by kind: objects/<plural>.jsonl becomes expected/<plural>.prom.

`tox -e generate` writes the expected texts anew; read the difference like code. Allowlists and filters are not in scope.
"""

import pytest

from ksm_shard.kinds import resources
from tests.kinds.rendering import EXPECTED, OBJECTS, Renderer, objects

RESOURCES = resources()


@pytest.mark.parametrize("plural", RESOURCES)
def test_objects_become_the_expected_text(plural: str) -> None:
    """Every sample, with HELP and TYPE, is as reviewed."""
    renderer = Renderer(RESOURCES[plural])

    text = renderer.text(*objects(renderer.resource))

    assert [] == renderer.failures
    golden = EXPECTED / f"{plural}.prom"
    assert golden.exists(), "tox -e generate"
    assert golden.read_text() == text, "if the text is as it should be: tox -e generate"


@pytest.mark.parametrize("plural", RESOURCES)
def test_every_family_has_a_sample(plural: str) -> None:
    """No family is declared that no golden shows."""
    renderer = Renderer(RESOURCES[plural])

    samples = renderer.samples(*objects(renderer.resource))

    silent = [family.name for family, text in samples.items() if not text]
    assert [] == silent, f"add an object to {OBJECTS / plural}.jsonl that has samples of these"


@pytest.mark.parametrize("plural", RESOURCES)
def test_a_family_says_alone_what_it_says_among_all(plural: str) -> None:
    """Which other families are on changes nothing, though a pod is looked at only where one of them needs it."""
    resource = RESOURCES[plural]
    messages = objects(resource)
    together = Renderer(resource).samples(*messages)

    alone = [Renderer(resource, family) for family in resource.families]

    assert together == {family: text for one in alone for family, text in one.samples(*messages).items()}
    assert [] == [failure for one in alone for failure in one.failures]


def test_every_golden_belongs_to_a_kind() -> None:
    """A kind that is gone leaves nothing behind."""
    assert {path.stem for path in OBJECTS.iterdir()} == set(RESOURCES), f"{OBJECTS} has one file a kind"
    assert {path.stem for path in EXPECTED.iterdir()} == set(RESOURCES), "tox -e generate"
