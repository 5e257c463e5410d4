"""Collectors: exported resources, each with its store, its informers and its counts, and how they are replaced."""
