"""Declaring metric families and compiling them into text. No clock, thread, socket or logger in here."""
