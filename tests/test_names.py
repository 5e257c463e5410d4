"""Names and sentences in the package: a reader who searches for a class finds one, and a docstring is quick to read.

Generated messages are the API's own and left out.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Final

PACKAGE = Path(__file__).parents[1] / "ksm_shard"
# Words in the first line of a docstring, on average: 8 to 9.6 in client_python, psycopg and starlette.
WORDS: Final = 12.0


def told() -> Iterator[tuple[str, str, str]]:
    """Yield room, file and text of each docstring."""
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else "the root"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text:
                    yield room, str(path.relative_to(PACKAGE)), text


def test_no_class_name_occurs_twice() -> None:
    """A class has a name of its own in the whole package."""
    places = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        if not path.stem.endswith("_pb2"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(str(path.relative_to(PACKAGE)))

    assert {} == {name: where for name, where in places.items() if len(where) > 1}


def test_no_docstring_is_empty_or_begins_with_a_question_word() -> None:
    """A docstring begins with a verb or a noun: What, How and Whether make a reader wait for the subject."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem.endswith("_pb2"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text is not None and (not text or text.split()[0] in {"What", "How", "Whether", "See"}):
                    found.append(f"{path.relative_to(PACKAGE)}: {text[:60]}")

    assert [] == found


def test_first_lines_have_about_ten_words() -> None:
    """In each room the first line of a docstring is short on average, so that a reader need not look for its point."""
    words = defaultdict(list)
    for room, _, text in told():
        words[room].append(len(text.splitlines()[0].split()))

    assert {} == {room: round(mean(counts), 1) for room, counts in words.items() if mean(counts) > WORDS}


def test_no_docstring_sends_its_reader_elsewhere() -> None:
    """No sentence of a docstring is "See X.": it says the few words that X would."""
    assert [] == [f"{file}: {text[:60]}" for _, file, text in told() if re.search(r"(?:^|[.;] )[Ss]ee [`A-Z]", text)]
