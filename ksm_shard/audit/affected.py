"""Expressions that would no longer read what they read now."""

from collections import defaultdict
from collections.abc import Iterable

from ksm_shard.audit.expressions import Expression, Expressions
from ksm_shard.audit.findings import FamilyFindings


def affected(expressions: Expressions, found: Iterable[FamilyFindings]) -> dict[Expression, list[str]]:
    """Return the expressions that a switch affects, with a line for each reason.

    An expression is affected by a family or a label that is lost, and by a recording rule that is affected.
    """
    reasons: dict[Expression, list[str]] = defaultdict(list)
    by_name = {one.name: one for one in found}
    for name, users in expressions.of(by_name).items():
        one = by_name[name]
        for user in users:
            if one.is_loss:
                reasons[user].append(_lost(one))
            elif lost := sorted(one.lost_labels & user.labels_of(name)):
                reasons[user].append(f"uses {', '.join(lost)} of {name}, which would not be there")
    for user, record in expressions.through(list(reasons)).items():
        reasons[user].append(f"uses {record}, which a rule above records")
    return dict(reasons)


def _lost(one: FamilyFindings) -> str:
    if not one.difference.new:
        return f"uses {one.name}, which would not be there"
    return f"uses {one.name}, of which {one.lost} of {one.difference.old} series would be lost or false"
