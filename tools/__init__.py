"""Generators of the repository's generated files.

The package is not installed. `python -m tools` runs all of them in order.
"""
