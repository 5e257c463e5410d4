"""Parses flags, variables and file.

The file overrides flags, as in kube-state-metrics; flags override variables. Flags follow Go's syntax: one dash or two, `--flag
value` or `--flag=value`, booleans alone or as `--flag=false`. All mistakes are reported at once.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ksm_shard import kinds
from ksm_shard.files import MissingFileError, UnreadableFileError, content_of, yaml_fault
from ksm_shard.settings.foreign import FORMER, IGNORED, IGNORED_FLAGS
from ksm_shard.settings.options import Option, Options, UsageError, options_of
from ksm_shard.settings.run import Settings
from ksm_shard.settings.values import Boolean, Several

# What PyYAML raises besides its own errors, for values that are none of their type, such as the date 2024-13-45.
YAML_FAULTS: Final = (ValueError, AttributeError, TypeError, KeyError, OverflowError, RecursionError)

AnyOptions = TypeVar("AnyOptions", bound=Options)

FLAG: Final = re.compile(r"--?([^-=][^=]*)(?:=(.*))?", re.DOTALL)
# Kubernetes sets variables in each pod for the Services of its namespace. A Service named ksm-shard yields
# KSM_SHARD_PORT=tcp://10.96.0.7:8080, which no user wrote. For the same reason unknown KSM_SHARD_ variables are not reported.
SERVICE_LINK: Final = re.compile(r"(tcp|udp|sctp)://")


def parse(
    argv: Sequence[str],
    environ: Mapping[str, str],
    known_resources: Collection[str] | None = None,
    *,
    content: bytes | None = None,
) -> Settings:
    """Return the settings of `ksm-shard run`.

    Args:
        argv: the arguments after the command.
        environ: environment variables; an empty one counts as absent.
        known_resources: plurals that `--resources` may name; None for those of `ksm_shard.kinds`.
        content: what the file of --config holds; None to read it.

    Raises:
        UsageError: with a line for each mistake.
    """
    found = _Found((*options_of(Settings), *IGNORED_FLAGS))
    variables = found.variables(options_of(Settings), environ)
    values = variables | found.flags(argv)
    if path := values.get("config"):
        content = found.content(path, values) if content is None else content
        values |= found.file(path, content or b"")
    found.problems += _unknown_resources(found, values, known_resources)
    ignored = tuple(dict.fromkeys(found.ignored))
    return found.build(Settings, values | {"ignored_flags": ignored, "content": content})


def parse_command(declaration: type[AnyOptions], argv: Sequence[str]) -> AnyOptions:
    """Return the options of a command other than `run`.

    Raises:
        UsageError: with a line for each mistake.
    """
    found = _Found(options_of(declaration))
    return found.build(declaration, found.flags(argv))


class _Found:
    """Reads the sources of values, and collects all mistakes in `problems`.

    Each method returns values by name of the field.
    """

    def __init__(self, options: Iterable[Option[Any]]) -> None:
        self._flags = {option.flag: option for option in options}
        self._keys = {option.key: option for option in self._flags.values() if option.key}
        self.where: dict[str, str] = {}
        self.ignored: list[str] = []
        self.problems: list[str] = []

    def build(self, declaration: type[AnyOptions], values: Mapping[str, Any]) -> AnyOptions:
        """Make the options from the values.

        Raises:
            UsageError: with all collected problems.
        """
        try:
            built = declaration(**values)
        except UsageError as error:
            self.problems += error.problems
        if self.problems:
            # A line each, whatever the names in a file hold.
            raise UsageError(*(" ".join(problem.splitlines()) for problem in self.problems))
        return built

    def variables(self, options: Iterable[Option[Any]], environ: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for option in options:
            text = environ.get(option.variable, "")
            if text and not SERVICE_LINK.match(text):
                self._take(values, option, option.variable, text)
        return values

    def flags(self, argv: Sequence[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        words = iter(argv)
        several = None  # the last flag, if it takes all words that follow
        for word in words:
            if word == "--":
                self._positional(values, words)
                break
            match = FLAG.fullmatch(word)
            if not match and several:
                self._take(values, several, f"--{several.flag}", word)
                continue
            if not match:
                self._positional(values, [word])
                continue
            name, text = match.groups()
            option = self._flags.get(name)
            several = option if option and isinstance(option.kind, Several) else None
            if not option:
                self._unknown(f"--{name}: no such flag", name, self._flags, "--")
                continue
            if text is None:
                text = "true" if isinstance(option.kind, Boolean) else next(words, None)
            if text is None:
                self.problems.append(f"--{name}: needs a value: {option.usage}")
            else:
                self._take(values, option, f"--{name}", text)
        return values

    def content(self, path: str, values: Mapping[str, Any]) -> bytes | None:
        """Return what the file holds; None for one that is missing, and may be."""
        try:
            return content_of(path)
        except UnreadableFileError as error:
            if not (isinstance(error, MissingFileError) and values.get("continue_without_config")):
                self.problems.append(f"--config: {error}")
        return None

    def file(self, path: str, content: bytes) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in self._load(path, content).items():
            # Two keys of kube-state-metrics have dashes: auto-gomemlimit and auto-gomemlimit-ratio.
            option = self._keys.get(str(key).replace("-", "_"))
            if not option:
                self._unknown(f"{path}: {key}: no such key", str(key), self._keys)
            elif value is not None:
                self._take(values, option, f"{path}: {key}", value, is_yaml=True)
        return values

    def _load(self, path: str, content: bytes) -> dict[object, object]:
        import yaml  # noqa: PLC0415  11 ms and 2 MB, only where there is a file

        try:
            loaded = yaml.safe_load(content.decode())
        except (yaml.YAMLError, *YAML_FAULTS) as error:
            self.problems.append(f"{path}: is not YAML: {yaml_fault(error)}")
            return {}
        if loaded is not None and not isinstance(loaded, dict):
            self.problems.append(f"{path}: must hold keys and values, such as total_shards: 3")
            return {}
        return loaded or {}

    def _take(
        self, values: dict[str, Any], option: Option[Any], where: str, raw: object, *, is_yaml: bool = False
    ) -> None:
        try:
            value = option.kind.read(raw) if is_yaml else option.kind.parse(str(raw))
        except ValueError as error:
            self.problems.append(f"{where}: {_short(raw)} {error}")
            return
        if option.section == IGNORED:
            self.ignored.append(where)
        else:
            values[option.name] = option.kind.join(values[option.name], value) if option.name in values else value
            self.where[option.name] = where

    def _positional(self, values: dict[str, Any], words: Iterable[str]) -> None:
        for word in words:
            if "" in self._flags:
                self._take(values, self._flags[""], self._flags[""].usage, word)
            else:
                file = "a file is named by --config, and " if "config" in self._flags else ""
                self.problems.append(
                    f"{word!r}: belongs to no flag; {file}on/off flags take their value after =, as in --flag=false"
                )

    def _unknown(self, problem: str, name: str, known: Iterable[str], dashes: str = "") -> None:
        former = FORMER.get(name.replace("_", "-"))
        if former:
            hint = f"kube-state-metrics calls it {dashes}{former if dashes else former.replace('-', '_')} today"
        else:
            nearest = difflib.get_close_matches(name, [word for word in known if word], n=1)
            hint = f"did you mean {dashes}{nearest[0]}?" if nearest else "see ksm-shard run --help"
        self.problems.append(f"{problem}; {hint}")


def _unknown_resources(found: _Found, values: Mapping[str, Any], known: Collection[str] | None) -> list[str]:
    resources = values.get("resources") or ()
    if not resources:
        return []
    known = kinds.names() if known is None else known
    unknown = [repr(name) for name in resources if name not in known]
    if not unknown:
        return []
    return [f"{found.where['resources']}: no such resource: {', '.join(unknown)}; known are {', '.join(sorted(known))}"]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # fits a line of a terminal
