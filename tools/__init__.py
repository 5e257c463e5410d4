"""Generators of the repository's generated files; not installed. `python -m tools` runs all of them in order."""
