"""Query a whole fleet over HTTP, for `check` and `plan`.

Shards are known only by their reports.
"""
