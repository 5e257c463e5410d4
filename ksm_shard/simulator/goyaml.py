"""Reads YAML as kubectl does (sigs.k8s.io/yaml).

That is YAML 1.1 with Go's numbers, without times and without base 60. A scalar that looks like a time stays a text, because all
times of the Kubernetes API are texts.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

TRUE: Final = "y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON"
FALSE: Final = "n|N|no|No|NO|false|False|FALSE|off|Off|OFF"
# As strconv.ParseInt reads base 0, after underscores are removed: a leading 0 means octal.
OCTAL: Final = re.compile(r"[-+]?0[oO]?[0-7]+")
INT: Final = r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)"
FLOAT: Final = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
# Go reads larger integers as floats.
INTS: Final = range(-(1 << 63), 1 << 64)
# Whole floats up to this number equal an integer, and Go writes them as integers.
WHOLE: Final = 1 << 53


class Loader(yaml.SafeLoader):
    """PyYAML's loader with the rules of go-yaml for plain scalars."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's own

    def number(self, node: yaml.ScalarNode) -> int | float | str:
        """Return a scalar as a number, or as a text if it only resembles a number."""
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
        """Return the text of a scalar unchanged."""
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
    """Yield the documents of a file as JSON values, without empty documents.

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    for document in yaml.load_all(text, Loader):
        if document is not None:
            yield _json(document)


def _json(value: Any) -> Any:
    """Return a value as Go's JSON: keys become texts, whole floats become integers."""
    if isinstance(value, dict):
        return {_key(key): _json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_json(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE else value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(_json(key))
