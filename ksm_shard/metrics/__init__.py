"""Declarations of metric families, and their compiler to text.

Contains no clock, thread, socket or logger.
"""
