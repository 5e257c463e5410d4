"""Store of every sample's text, deflated in pages."""
