"""The HTTP server: scrapes, probes, telemetry and the status page.

gunicorn serves them from a `Source`.
"""
