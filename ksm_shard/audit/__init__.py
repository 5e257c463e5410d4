"""Judge scrapes by what others have and what rules and dashboards use, for `compare` and `cardinality`.

Scrapes are read line by line; no sample is kept as an object.
"""
