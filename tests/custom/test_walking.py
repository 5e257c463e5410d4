"""What is compiled is what walking the paths gives, of any object and any file that is not of the dialect."""

import re
from typing import Any

from hypothesis import given
from prometheus_client.parser import text_string_to_metric_families

from ksm_shard.custom.file import OWN, read
from ksm_shard.custom.resolve import Served, resolve, resource_of
from ksm_shard.metrics.compiler import compile_resource
from tests.custom.test_any import OBJECTS, files
from tests.custom.walking import samples

THING = Served("example.org", "v1", "Thing", "things")


@given(files(dialect=False), OBJECTS)
def test_walking(file: str, item: dict[str, Any]) -> None:
    """Each series is there, once, with a value that it has: of a stateset 1 if any is, of a gauge not the 0 of what is missing."""
    entries, problems = read(file)
    if any(problem.fatal for problem in problems):
        return
    item = {**item, "kind": "Thing"}
    own = dict(zip(OWN, ("example.org", "Thing", "v1"), strict=True))
    for one in resolve(entries, [THING]):
        resource = resource_of(one)
        compiled = compile_resource(resource, resource.families, failed=_raised, duplicated=_ignored)
        for family, text in zip(compiled.families, compiled.render(item), strict=True):
            metrics = [metric for metric in one.metrics if metric.name == family.name]
            wanted: dict[tuple[tuple[str, str], ...], list[float]] = {}
            for metric in metrics:
                for series, values in samples(metric, own, item).items():
                    wanted.setdefault(series, []).extend(values)
            got = {
                tuple(sorted(sample.labels.items())): sample.value
                for found in text_string_to_metric_families(text)
                for sample in found.samples
            }

            assert wanted.keys() == got.keys()
            for series, value in got.items():
                assert value in wanted[series] or value != value, (series, value)  # noqa: PLR0124  NaN
                if len(metrics) == 1 and metrics[0].type == "stateset":
                    assert value == max(wanted[series])
                if len(metrics) == 1 and metrics[0].nil_is_zero and re.search(r"[1-9]", repr(value)) is None:
                    assert not any(wanted[series]) or wanted[series][0] == 0


def _raised(family: object, error: Exception) -> None:
    raise AssertionError(str(family)) from error


def _ignored(count: int) -> None:
    del count
