"""YAML as kubectl reads it (sigs.k8s.io/yaml): YAML 1.1, but with Go's numbers, without times and without base 60.

Whatever looks like a time is a text, as every time of the Kubernetes API is.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

TRUE: Final = "y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON"
FALSE: Final = "n|N|no|No|NO|false|False|FALSE|off|Off|OFF"
# strconv.ParseInt of base 0, once the underscores are gone: a leading 0 is octal.
OCTAL: Final = re.compile(r"[-+]?0[oO]?[0-7]+")
INT: Final = r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)"
FLOAT: Final = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
# Beyond these an integer is a float to Go.
INTS: Final = range(-(1 << 63), 1 << 64)
# Up to here a float that is whole is the same number as an integer, and Go writes it as one.
WHOLE: Final = 1 << 53


class Loader(yaml.SafeLoader):
    """PyYAML's loader with go-yaml's rules for plain scalars."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's own

    def number(self, node: yaml.ScalarNode) -> int | float | str:
        """Return the number that a scalar looks like, the text if it only looked so."""
        given = str(self.construct_scalar(node))
        text = given if given.startswith(".") else given.replace("_", "")
        if re.fullmatch(INT, text):
            sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
            octal = OCTAL.fullmatch(digits)
            value = sign * (int(digits.lower().replace("o", ""), 8) if octal else int(digits, 0))
            return value if value in INTS else float(value)
        return float(text) if re.fullmatch(FLOAT, text) else given

    def boolean(self, node: yaml.ScalarNode) -> bool:
        """Return whether a scalar is one of TRUE."""
        return str(self.construct_scalar(node)) in TRUE.split("|")

    def text(self, node: yaml.ScalarNode) -> str:
        """Return a scalar as it stands there."""
        return str(self.construct_scalar(node))


for _tag, _pattern in (
    ("bool", f"(?:{TRUE}|{FALSE})$"),
    ("null", r"(?:~|null|Null|NULL|)$"),
    ("merge", r"<<$"),
    ("int", r"[-+.0-9][-+._0-9a-fA-FxXoO]*$"),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), None)
for _tag, _constructor in (
    ("bool", Loader.boolean),
    ("int", Loader.number),
    ("float", Loader.number),
    ("timestamp", Loader.text),
):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _constructor)


def documents(text: str) -> Iterator[Any]:
    """Yield the documents of a file as JSON has them, without those that are empty.

    Raises:
        yaml.YAMLError: the text is no YAML.
    """
    for document in yaml.load_all(text, Loader):
        if document is not None:
            yield _json(document)


def _json(value: Any) -> Any:
    """Return the value with texts for keys, and as an integer what Go writes as one."""
    if isinstance(value, dict):
        return {_key(key): _json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_json(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE else value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(_json(key))
