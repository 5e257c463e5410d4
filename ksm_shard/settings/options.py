"""An option is declared once, as a field of a dataclass; flag, YAML key, variable, help and docs come from that.

@dataclass(frozen=True)
class Settings(Options):
    total_shards: int = option(SHARDING, Integer(1, 1000), 1, "How many shards there are.")
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from ksm_shard.settings.values import Kind

T = TypeVar("T")

METADATA: Final = "option"


class UsageError(Exception):
    """What a user wrote cannot be: one line for each problem, naming where it stands and what would be right."""

    def __init__(self, *problems: str) -> None:
        """Tell of all the problems there are."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclasses.dataclass(frozen=True)
class Derived:
    """A default that follows from other options.

    Attributes:
        text: the rule in words.
        rule: makes the default of the options as they are otherwise.
    """

    text: str
    rule: Callable[[Any], Any]


@dataclasses.dataclass(frozen=True)
class Option(Generic[T]):
    """What is known of one option.

    Attributes:
        section: heading in `--help`.
        kind: how its values are read and written.
        default: what it is if nobody says.
        help: what it means; our own words, one or two sentences.
        flag: long name, without dashes; "" for words that need none.
        key: in the file of `--config`; "" if it has no place there.
        name: of the field.
        more: returns extra help text; called only for --help and the docs, as it imports all kinds (44 ms).
        per_process: whether shards of one fleet may differ in it: it is left out of the digest that `check` compares.
    """

    section: str
    kind: Kind[T]
    default: T | Derived
    help: str
    flag: str
    key: str = ""
    name: str = ""
    more: Callable[[], str] | None = None
    per_process: bool = False

    @property
    def meaning(self) -> str:
        """The whole help."""
        return f"{self.help} {self.more()}" if self.more else self.help

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return "KSM_SHARD_" + self.flag.replace("-", "_").upper()

    @property
    def default_text(self) -> str:
        """The default in a user's words; "" for nothing and off."""
        if isinstance(self.default, Derived):
            return self.default.text
        return "" if self.default is None or self.default is False else self.kind.show(self.default)

    @property
    def usage(self) -> str:
        """Flag and placeholder: `--total-shards N`."""
        return f"--{self.flag} {self.kind.placeholder}".rstrip() if self.flag else f"{self.kind.placeholder} ..."


def option(
    section: str,
    kind: Kind[T],
    default: T | Derived,
    help: str,  # noqa: A002  what everybody calls it
    *,
    flag: str | None = None,
    key: str | None = None,
    more: Callable[[], str] | None = None,
    per_process: bool = False,
) -> T:
    """Declare a field. Flag and key are its name, with dashes and with underscores, unless they are given."""
    declared = {
        "section": section,
        "kind": kind,
        "default": default,
        "help": help,
        "flag": flag,
        "key": key,
        "more": more,
        "per_process": per_process,
    }
    start: Any = None if isinstance(default, Derived) else default
    field: Any = dataclasses.field(default_factory=lambda: start, metadata={METADATA: declared})
    return field  # type: ignore[no-any-return]  # a Field until the dataclass is made, a T from then on


def options_of(declaration: "type[Options]") -> tuple[Option[Any], ...]:
    """Return the options of a dataclass, in the order of their declaration."""
    options = []
    for field in dataclasses.fields(declaration):
        declared = field.metadata.get(METADATA)
        if declared is None:
            continue
        flag = field.name.replace("_", "-") if declared["flag"] is None else declared["flag"]
        key = flag.replace("-", "_") if declared["key"] is None else declared["key"]
        options.append(Option(**{**declared, "flag": flag, "key": key}, name=field.name))
    return tuple(options)


@dataclasses.dataclass(frozen=True)
class Options:
    """What a command can be told. However an instance is made, it has its derived defaults and has been checked."""

    def __post_init__(self) -> None:
        """Raise UsageError if the values do not go together."""
        for declared in options_of(type(self)):
            if isinstance(declared.default, Derived) and getattr(self, declared.name) is None:
                object.__setattr__(self, declared.name, declared.default.rule(self))
        problems = tuple(self.problems())
        if problems:
            raise UsageError(*problems)

    def problems(self) -> list[str]:
        """Return a line for each thing that does not go together."""
        return []
