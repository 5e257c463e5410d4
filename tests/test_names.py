"""Names in the package: a reader who searches for a class finds one. Generated messages are the API's own and left out."""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "ksm_shard"


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
