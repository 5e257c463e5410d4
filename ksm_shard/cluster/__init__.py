"""Talk to the API server: credentials, requests, lists and watches.

No other room does.
"""
