"""State of a process as data: model, counts and report."""
