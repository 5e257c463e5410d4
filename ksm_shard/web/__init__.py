"""What people and Prometheus see: scrapes, health, telemetry and the status page, served by gunicorn from a `Source`."""
