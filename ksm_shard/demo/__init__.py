"""The demo that scales: a fleet in one terminal, as a Prometheus sees it.

processes   a simulated API server, shards, and one exporter alone: its series are those that there should be
fleet       the StatefulSet, and what is being done to it
scraping    the targets, each scraped at its own time
view        the result of a query, held against the exporter alone
driving     keys, or a script where there is no terminal
page        the same, as a chart
"""
