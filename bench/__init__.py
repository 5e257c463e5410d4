"""Measurements of speed and memory. They print figures and assert nothing."""
