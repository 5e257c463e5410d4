"""`ksm-shard custom validate`: check a file, show what its metrics give.

Exit status 2 if there is a problem, keys that run would pass over included; advice alone is none.
"""

import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ksm_shard.assembly import declared_of
from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import ClusterError
from ksm_shard.collector.declared import InvalidFileError
from ksm_shard.commands.specimens import Cluster, Files, Item, Specimens
from ksm_shard.custom import checks
from ksm_shard.custom.entries import Entry, Problem
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Followed, Served, resolve, resource_of, unserved
from ksm_shard.custom.schemas import Definition
from ksm_shard.files import reason
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Family
from ksm_shard.settings.commands import CustomValidate
from ksm_shard.settings.run import Settings
from ksm_shard.wire.frames import WireError

OK: Final = 0
USAGE: Final = 2
# A metric is timed for so long at least, in seconds: one object is too short for the clock.
TIMED: Final = 0.02


def problems(settings: Settings) -> list[str]:
    """Return a line for each problem of the file that the settings of run name."""
    try:
        declared_of(settings)
    except InvalidFileError as error:
        return str(error).splitlines()
    return []


def validate(options: CustomValidate) -> int:
    """Print problems, advice and samples; return 2 for a problem."""
    worst = OK
    try:
        specimens = _specimens(options)
        for path in options.files:
            entries, found = read(Path(path).read_bytes())
            usable = not any(problem.fatal for problem in found)
            worst = max(worst, _report(path, entries, found, specimens.definitions(entries)))
            if usable and (served := specimens.served(entries)) is not None:
                sys.stdout.writelines(f"{line}\n" for line in _shown(entries, served, specimens))
    except (ValueError, OSError, ClusterError, WireError) as error:
        sys.stderr.write(f"ksm-shard: {reason(error)}\n")
        return USAGE
    sys.stderr.writelines(f"ksm-shard: {line}\n" for line in specimens.problems)
    return USAGE if specimens.problems else worst


def _specimens(options: CustomValidate) -> Specimens:
    if not options.cluster:
        return Files(options.crds, options.objects)
    return Cluster(connect(options.apiserver or None, options.kubeconfig or None))


def _report(
    path: str, entries: Sequence[Entry], problems: Sequence[Problem], known: Sequence[Definition] | None
) -> int:
    found = {*checks.of_file(entries), *(checks.against(entries, known) if known is not None else ())}
    errors = sorted({*problems, *(one for one in found if one.fatal)})
    advice = sorted(one for one in found if not one.fatal)
    lines = [(one, "") for one in errors] + [(one, "warning: ") for one in advice]
    for one, kind in sorted(lines, key=lambda line: (line[0].line, line[0].column)):
        sys.stdout.write(f"{path}:{one.line}:{one.column}: {kind}{one.text}\n")
    metrics = sum(len(entry.metrics) for entry in entries)
    said = f"{len(errors)} problems" if errors else "ok"
    sys.stdout.write(f"{path}: {said}, {len(advice)} warnings, {len(entries)} entries, {metrics} metrics\n")
    return USAGE if errors else OK


def _shown(entries: Sequence[Entry], served: Collection[Served], specimens: Specimens) -> Iterator[str]:
    """Yield a table for each kind: what its metrics make of the objects."""
    for followed in resolve(entries, served):
        yield from _table(followed, specimens.objects(followed))
    for entry in unserved(entries, served):
        yield f"{entry.group}/{entry.version}/{entry.kind}: there is no object and no definition of it"


def _table(followed: Followed, items: Sequence[Item]) -> Iterator[str]:
    resource = resource_of(followed)
    reasons: Counter[tuple[str, str]] = Counter()

    def noted(family: Family | None, reason: str) -> None:
        reasons[family.name if family else "", reason] += 1

    def failed(family: Family, error: Exception) -> None:
        reasons[family.name, type(error).__name__] += 1

    began = time.perf_counter()
    parsed = [resource.shape.parse(codec, item) for codec, item in items]
    reading = (time.perf_counter() - began) / (len(items) or 1) * 1e6
    yield f"{resource.name}: {len(items)} objects" + (f", {reading:.0f} us to read one" if items else "")
    if not items:
        return
    yield "   samples   without   us     metric"
    for family in resource.families:
        compiled = compile_resource(resource, [family], failed=failed, duplicated=_ignored, noted=noted)
        texts = [compiled.render(one)[0] for one in parsed]
        why = ", ".join(
            f"{reason} {count}" for (name, reason), count in sorted(reasons.items()) if name in {family.name, ""}
        )
        reasons.clear()
        cost = _timed(compiled.render, parsed)
        reasons.clear()
        without = sum(not text for text in texts) / len(texts)
        samples = sum(text.count("\n") for text in texts)
        yield f"{samples:10d}   {without:6.0%}    {cost:<6.1f} {family.name}" + (f" ({why})" if why else "")


def _timed(render: Any, parsed: Sequence[Any]) -> float:
    """Return how many microseconds an object takes."""
    rounds, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < TIMED or not rounds:
        for one in parsed:
            render(one)
        rounds += 1
    return spent / rounds / len(parsed) * 1e6


def _ignored(count: int) -> None:
    del count
