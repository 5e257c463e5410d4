"""State of Custom Resource State: the file, and the entries without a resource."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeclaredStatus:
    """The file, or the inline text, as it is in force.

    Attributes:
        name: path of the file, or the flag.
        hash: the first 48 bits of its MD5, as for the file of --config.
        read: when it was read, in seconds since 1970; 0 before.
        entries: number of entries in force.
        problem: why the newest contents are not in force; "" when they are.
    """

    name: str
    hash: int
    read: float
    entries: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FamilyTally:
    """Number of samples of a family, and of objects that have none: all of them where a path is misspelt."""

    samples: int
    without: int


@dataclass(frozen=True, slots=True)
class CustomStatus:
    """State of the custom resources that are exported.

    Attributes:
        file: the declaration.
        unserved: entries for which the API server has no resource, as group/version/kind.
        definitions: number of CustomResourceDefinitions in the cluster, as far as they may be watched.
        events: number of definitions that came, changed and went: "add", "update", "delete".
        problem: why discovery or the watch of definitions fails; "" when all is well.
    """

    file: DeclaredStatus
    unserved: Sequence[str]
    definitions: int
    events: Mapping[str, int]
    problem: str = ""
