r"""Regular expressions of ECMAScript, which kube-state-metrics takes, as Python's.

ECMAScript    Python        what it is
-----------   -----------   ------------------------------------------------------
(?<name>x)    (?P<name>x)   a group with a name
\k<name>      (?P=name)     what that group matched
[^]           [\s\S]        any character
[]            (?!)          no character
[[&|~]        [\[\&\|\~]    characters that Python warns of: it may give them a meaning

For names of families, which are ASCII, the rest is the same, but that a lookbehind has to be of one length in Python. What only
Python has, such as (?P<name>x), is taken as well.
"""

import re
from typing import Final

# What may have to be translated, and before it what would be mistaken for that: escapes, classes.
TOKEN: Final = re.compile(r"\\k<(\w+)>|\\.|\(\?<(?![=!])|\[\^?\]|\[\^?(?:\\.|[^\]\\])*\]?|.", re.DOTALL)
IN_CLASS: Final = re.compile(r"\\.|[\[&|~]", re.DOTALL)
PLAIN: Final = {"[^]": r"[\s\S]", "[]": "(?!)", "(?<": "(?P<"}


def compiled(text: str) -> re.Pattern[str]:
    """Compile a pattern.

    Raises:
        re.error: it is none.
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
