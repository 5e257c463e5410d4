"""The text of every sample, kept deflated, in pages that a response is joined from."""
