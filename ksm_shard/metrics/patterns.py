r"""Translates regular expressions of ECMAScript, as kube-state-metrics takes them, to Python's.

ECMAScript    Python        meaning
-----------   -----------   ------------------------------------------------------
(?<name>x)    (?P<name>x)   a group with a name
\k<name>      (?P=name)     the text which the group of that name matched
[^]           [\s\S]        any character
[]            (?!)          no character
[[&|~]        [\[\&\|\~]    characters that Python warns of: a later version may give them a meaning

For names of families, which are ASCII, all other syntax means the same, except that Python's lookbehinds must have a fixed length.
Syntax that only Python has, such as (?P<name>x), is accepted too.
"""

import re
from typing import Final

# Matches what may need translation, and first the escapes and classes that could be mistaken for it.
TOKEN: Final = re.compile(r"\\k<(\w+)>|\\.|\(\?<(?![=!])|\[\^?\]|\[\^?(?:\\.|[^\]\\])*\]?|.", re.DOTALL)
IN_CLASS: Final = re.compile(r"\\.|[\[&|~]", re.DOTALL)
PLAIN: Final = {"[^]": r"[\s\S]", "[]": "(?!)", "(?<": "(?P<"}


def compiled(text: str) -> re.Pattern[str]:
    """Compile a pattern.

    Raises:
        re.error: the text is not a regular expression.
    """
    return re.compile(TOKEN.sub(_translated, text))


def _translated(token: re.Match[str]) -> str:
    text = token[0]
    if token[1]:
        return f"(?P={token[1]})"
    if text[0] == "[" and text not in PLAIN:
        opening = 2 if text[1:2] == "^" else 1
        return text[:opening] + IN_CLASS.sub(lambda one: one[0] if len(one[0]) > 1 else f"\\{one[0]}", text[opening:])
    return PLAIN.get(text, text)
