"""Custom Resource State: metrics that a user's file declares.

They are compiled to families like those of `kinds`.
"""
