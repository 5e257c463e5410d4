"""Query a whole fleet over HTTP, for `check` and `plan`; shards are known only by their reports."""
