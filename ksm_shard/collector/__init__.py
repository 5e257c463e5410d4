"""Collectors: one exported resource each, with its store, its informers and its counts."""
