"""Rules and dashboards as they are given on the command line."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from ksm_shard.audit import dashboards, rules
from ksm_shard.audit.exposition import UnreadableError
from ksm_shard.audit.expressions import Expression, Expressions
from ksm_shard.audit.sources import page

LOADED: Final = "/api/v1/rules"


def expressions(rule_files: Sequence[str], dashboard_files: Sequence[str], prometheus: str = "") -> Expressions:
    """Read all expressions.

    Args:
        rule_files: names of files with rules.
        dashboard_files: names of files with dashboards.
        prometheus: URL of a Prometheus whose loaded rules are read as well; "" for none.

    Raises:
        UnreadableError: a file or the Prometheus cannot be read, or has not what it should have.
    """
    found = [*_of_files(rule_files, rules.of_file), *_of_files(dashboard_files, dashboards.of_file)]
    if prometheus:
        found += rules.of_prometheus(page(prometheus + LOADED), prometheus)
    return Expressions(found)


def _of_files(files: Iterable[str], read: Callable[[bytes, str], list[Expression]]) -> Iterable[Expression]:
    for file in files:
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            raise UnreadableError(f"{file}: {error.strerror}") from None
        try:
            yield from read(content, file)
        except RecursionError:
            raise UnreadableError(f"{file}: is nested too deeply for rules or a dashboard") from None
