"""Find problems of a fleet from the reports of its shards.

Shards answer one after another, and objects come and go meanwhile. So the least number seen is compared with the greatest number
owned, over all rounds of answers, as the alert KsmShardObjectsMissing does: a problem proven thus is real in any busy cluster.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from ksm_shard.fleet.client import NoReport
from ksm_shard.sharding.masks import SLOTS, intersection
from ksm_shard.sharding.state import Phase
from ksm_shard.status.report import Report, ResourceReport
from ksm_shard.status.states import ReflectorState

Answers = Sequence[Report | NoReport]

# What all shards must say alike, and the field of the report that says it.
DISPUTED: Final = {
    "version": "version",
    "settings": "settings",
    "what the file of custom resources holds": "custom",
    "ring": "ring",
    "total": "total",
    "digest": "digest",
}
# What of these a file holds that may change at run time.
FILED: Final = tuple(what for what, field in DISPUTED.items() if field in {"settings", "custom"})
# Phases in which a shard may hold slots of others.
HANDING_OVER: Final = frozenset(str(phase) for phase in Phase if phase.handing_over)
# States of a watch that reads, or is about to.
WELL: Final = frozenset(str(state) for state in ReflectorState if state.well)
# Seconds within which the kubelets of all nodes bring a changed ConfigMap, by their defaults: a minute between two looks, and one
# more for what they remember.
SPREAD: Final = 180.0
# Shards that a line names.
NAMED: Final = 5
# A resource that the cluster's configuration makes unreadable is no problem if all shards agree: KubeSphere's `users` are
# on by default and absent from every other cluster.
EXEMPT: Final = frozenset(str(state) for state in ReflectorState if state.exempt)


def problems(answers: Answers, earlier: Sequence[Answers] = ()) -> list[str]:
    """Return a line for each problem of a fleet.

    The last answers are checked; for numbers of objects the earlier ones too.
    """
    reports = _reports(answers)
    return [
        *(str(answer) for answer in answers if isinstance(answer, NoReport)),
        *(f"{_name(report)} is not ready" for report in reports if not report.ready),
        *(line for report in reports for line in _membership(report)),
        *_setup(reports),
        *(f"{_name(report)}: --config: {report.settings_problem}" for report in reports if report.settings_problem),
        *(
            _disagreement(reports, what)
            for what in DISPUTED
            if _disagree(reports, what) and not _reloading(reports, what)
        ),
        *_seats(reports),
        *_slots(reports),
        *(
            line
            for name in _resources(reports)
            for line in _resource(name, answers, earlier)
            if not any(_reloading(reports, what) for what in FILED)
        ),
    ]


def notes(answers: Answers) -> list[str]:
    """Return a line for each fact that is right but may surprise."""
    reports = _reports(answers)
    found = [
        f"{_disagreement(reports, what)}: they read a changed file one after another"
        for what in FILED
        if _reloading(reports, what)
    ]
    for name in _resources(reports):
        states = {report.resources[name].state for report in reports if name in report.resources}
        if len(states) == 1 and states <= EXEMPT:
            found.append(f"{name}: {states.pop()}, so that no shard exports it")
    if _excused(answers):
        twice = _handed_over(reports)[0].bit_count()
        found.append(f"{twice} slots{_twice(reports)} are there twice: a hand-over is under way")
    return found


def _reports(answers: Answers) -> list[Report]:
    return [answer for answer in answers if isinstance(answer, Report)]


def _name(report: Report) -> str:
    return f"shard {report.shard} ({report.pod or 'static'})"


def _membership(report: Report) -> list[str]:
    """Return the reasons why a shard may miss changes of the fleet."""
    return [
        *([f"{_name(report)}: {report.problem}"] if report.problem else []),
        *(
            f"{_name(report)}: its watch of {name} is {state}"
            for name, state in report.membership.items()
            if state not in WELL
        ),
    ]


def _setup(reports: Sequence[Report]) -> list[str]:
    """Return each set-up problem once: all pods have one template."""
    by_line: dict[str, list[Report]] = {}
    for report in reports:
        for line in report.setup.values():
            by_line.setdefault(line, []).append(report)
    return [
        f"{_name(of[0]) if len(of) == 1 else f'{len(of)} of {len(reports)} shards'}: {line}"
        for line, of in by_line.items()
    ]


def _resources(reports: Sequence[Report]) -> list[str]:
    return sorted({name for report in reports for name in report.resources})


def _disagree(reports: Sequence[Report], what: str) -> bool:
    return len({getattr(report, DISPUTED[what]) for report in reports}) > 1


def _disagreement(reports: Sequence[Report], what: str) -> str:
    """Return the line that says who has which value of a field."""
    shards: dict[object, list[str]] = {}
    for report in reports:
        shards.setdefault(getattr(report, DISPUTED[what]), []).append(
            "?" if report.shard is None else str(report.shard)
        )
    said = (
        f"{value or 'none'} ({len(of)} shards{_listed(of)})"
        for value, of in sorted(shards.items(), key=lambda item: -len(item[1]))
    )
    return f"the shards disagree about {what}: {', '.join(said)}"


def _listed(shards: Sequence[str]) -> str:
    return f": {', '.join(shards)}" if len(shards) <= NAMED else ""


def _reloading(reports: Sequence[Report], what: str) -> bool:
    """Return whether the shards disagree only because they read a changed file one after another."""
    since = min((report.reloaded for report in reports if report.reloaded is not None), default=SPREAD)
    return what in FILED and since < SPREAD and _disagree(reports, what)


def _seats(reports: Sequence[Report]) -> list[str]:
    seats = Counter(report.shard for report in reports)
    total = max((report.total for report in reports), default=0)
    missing = [str(shard) for shard in range(total) if shard not in seats]
    found = [f"{count} processes say that they are shard {shard}" for shard, count in seats.items() if count > 1]
    if missing:
        found.append(f"of {total} shards these did not answer: {', '.join(missing)}")
    return found


def _overlap(masks: Iterable[bytes]) -> tuple[int, int]:
    """Return the slots in any of the masks, and those in several.

    Both are numbers, which takes 20 ms for 1,000 shards.
    """
    some = several = 0
    for mask in map(int.from_bytes, masks):
        several |= some & mask
        some |= mask
    return some, several


def _handed_over(reports: Sequence[Report]) -> tuple[int, int]:
    """Return the slots held by several shards, and those no hand-over explains.

    Both are numbers, a byte a slot.
    """
    firmly = (intersection(one.held, one.own) if one.phase in HANDING_OVER else one.held for one in reports)
    return _overlap(one.held for one in reports)[1], _overlap(firmly)[1]


def _excused(answers: Answers) -> bool:
    """Return whether a hand-over explains that some objects are exported twice."""
    twice, unexplained = _handed_over(_reports(answers))
    return twice != unexplained


def _slots(reports: Sequence[Report]) -> list[str]:
    if not reports:
        return []
    found = []
    if unheld := SLOTS - _overlap(report.held for report in reports)[0].bit_count():
        found.append(f"{unheld} of {SLOTS} slots are held by no shard")
    if shared := _overlap(report.own for report in reports)[1].bit_count():
        found.append(f"{shared} slots belong to more than one shard")
    if twice := _handed_over(reports)[1].bit_count():
        found.append(f"{twice} slots are held by more than one shard, although no hand-over is under way")
    return found


def _resource(name: str, answers: Answers, earlier: Sequence[Answers]) -> list[str]:
    reports = _reports(answers)
    mine = [report.resources[name] for report in reports if name in report.resources]
    found = []
    if len(mine) < len(reports):
        found.append(f"{name}: {len(reports) - len(mine)} of {len(reports)} shards do not export it")
    states = Counter(one.state for one in mine)
    if EXEMPT.isdisjoint(states):
        waiting = Counter(one.state for one in mine if not one.synced)
        found += [f"{name}: {count} shards have not listed it: {state}" for state, count in waiting.items()]
    elif len(states) > 1:
        said = ", ".join(f"{state} ({count} shards)" for state, count in states.most_common())
        found.append(f"{name}: the shards disagree about whether there is any: {said}")
    rounds = [*earlier, answers]
    if any(
        report.resources[name].reloading for each in rounds for report in _reports(each) if name in report.resources
    ):
        return found  # some count by former settings, and others by those in force
    owned, there = _bounds(name, rounds)
    if owned[1] < there[0]:
        found.append(f"{name}: {owned[1]} objects are exported, but there are {there[0]}")
    elif owned[0] > there[1] and not any(map(_excused, rounds)):
        found.append(f"{name}: {owned[0]} objects are exported, but there are {there[1]}")
    return found


def _bounds(name: str, rounds: Sequence[Answers]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the bounds of the objects owned, and of those existing.

    A bound is the fewest and the most that all shards together may have.
    """
    told: list[list[ResourceReport]] = []  # for each shard, its report of the resource in each round
    for shard in zip(*rounds, strict=True):
        said = [one.resources[name] for one in shard if isinstance(one, Report) and name in one.resources]
        if said:
            told.append(said)
    owned = (
        sum(min(one.owned for one in said) for said in told),
        sum(max(one.owned for one in said) for said in told),
    )
    # Objects last seen by a shard in trouble may be gone by now.
    watching = [said for said in told if all(one.state == ReflectorState.WATCHING for one in said)] or told
    whole = [said for said in watching if not said[-1].filtered]
    least, most = ([choose(one.seen for one in said) for said in whole or told] for choose in (min, max))
    # Where the server filters, each shard is shown only its own objects.
    return owned, (max(least), max(most)) if whole else (sum(least), sum(most))


def _twice(reports: Sequence[Report]) -> str:
    """Return the number of objects exported twice, as text.

    Such as `, and 20 objects,`; "" where the server filters.
    """
    more = 0
    for name in _resources(reports):
        mine = [report.resources[name] for report in reports if name in report.resources]
        if any(one.filtered for one in mine):
            return ""
        more += max(0, sum(one.owned for one in mine) - max(one.seen for one in mine))
    return f", and {more} objects," if more else ""
