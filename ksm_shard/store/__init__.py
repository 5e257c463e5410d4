"""Store of the text of every sample, deflated in pages from which responses are joined."""
