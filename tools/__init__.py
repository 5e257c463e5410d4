"""Generators of files in the repository; not installed. `python -m tools` runs all in order."""
