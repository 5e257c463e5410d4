"""docs/metrics.md is what its generator writes, and says it all; docs/contributing.md shows what is there."""

from ksm_shard.kinds import resources
from tools.metrics_page import PAGE, ROOT, page


def test_the_page_is_generated() -> None:
    """The file is what `python -m tools.metrics_page` writes."""
    assert page() == PAGE.read_text()


def test_every_family_has_a_row() -> None:
    """Whatever is exported is documented."""
    text = page()
    names = [family.name for resource in resources().values() for family in resource.families]

    assert [] == [name for name in names if f"\n| `{name}` | " not in text]


def test_a_family_is_shown_by_an_example() -> None:
    """The first sample of its golden stands below the table."""
    assert '\nkube_lease_renew_time{lease="node-1",namespace="kube-node-lease"} 1.714979289e+09\n```\n' in page()


def test_marks_are_shown() -> None:
    """Opt-in families say so, and labels that may be absent are in brackets."""
    assert "| `kube_pod_nodeselectors` | gauge | ALPHA | `nodeselector_*` | Node selector of a pod. Opt-in. |" in page()
    assert "| `kube_job_status_failed` | gauge | STABLE | [`reason`] | " in page()


def test_the_kind_that_contributors_are_shown_is_the_real_one() -> None:
    """An example that is copied has to work."""
    text = (ROOT / "docs/contributing.md").read_text()

    assert f"```python\n{(ROOT / 'ksm_shard/kinds/ingressclasses.py').read_text()}```" in text
