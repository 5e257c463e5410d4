"""Measurements of speed and memory; they print figures and assert nothing."""
