"""Custom Resource State: files of metrics about resources that nobody here knows, compiled to families like those of `kinds`."""
