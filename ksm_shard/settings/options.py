"""Declares an option once, as a field of a dataclass.

Flag, YAML key, variable, help and docs are derived from the field.

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
    """Invalid usage: a line for each problem, with its place and the correct form."""

    def __init__(self, *problems: str) -> None:
        """Take all problems at once, so that a user can fix them in one go."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclasses.dataclass(frozen=True)
class Derived:
    """A default that is computed from other options.

    Attributes:
        text: the rule in words, for the help.
        rule: takes the options, other defaults included, and returns the default.
    """

    text: str
    rule: Callable[[Any], Any]


@dataclasses.dataclass(frozen=True)
class Option(Generic[T]):
    """An option as declared by a field.

    Attributes:
        section: heading in `--help`.
        kind: reads and writes values of the option.
        default: value if neither flag, variable nor file has one.
        help: description in our own words, one or two sentences.
        flag: long name without dashes; "" for positional words.
        key: key in the file of `--config`; "" if the file cannot set the option.
        name: name of the field.
        more: returns extra help text; called only for --help and the docs, as it imports all kinds (44 ms).
        per_process: shards of one fleet may have different values; excluded from the digest that `check` compares.
        live: obeyed without a restart when the file of --config changes.
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
    live: bool = False

    @property
    def meaning(self) -> str:
        """The whole help text, `more` included."""
        return f"{self.help} {self.more()}" if self.more else self.help

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return "KSM_SHARD_" + self.flag.replace("-", "_").upper()

    @property
    def default_text(self) -> str:
        """The default as a user would write it.

        Return "" for empty values and for false.
        """
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
    help: str,  # noqa: A002  the usual name for it, as in argparse and click
    *,
    flag: str | None = None,
    key: str | None = None,
    more: Callable[[], str] | None = None,
    per_process: bool = False,
    live: bool = False,
) -> T:
    """Declare an option.

    Flag and key are by default the name of the field, with dashes and with underscores.
    """
    declared = {
        "section": section,
        "kind": kind,
        "default": default,
        "help": help,
        "flag": flag,
        "key": key,
        "more": more,
        "per_process": per_process,
        "live": live,
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
    """Base of the options of a command.

    Every instance has its derived defaults filled in and has been checked.
    """

    def __post_init__(self) -> None:
        """Fill in derived defaults and check the values.

        Raises:
            UsageError: values conflict with each other.
        """
        for declared in options_of(type(self)):
            if isinstance(declared.default, Derived) and getattr(self, declared.name) is None:
                object.__setattr__(self, declared.name, declared.default.rule(self))
        problems = tuple(self.problems())
        if problems:
            raise UsageError(*problems)

    def problems(self) -> list[str]:
        """Return a line for each conflict between options."""
        return []
