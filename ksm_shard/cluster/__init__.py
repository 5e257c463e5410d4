"""The only room that talks to the API server: credentials, requests, discovery, lists and watches."""
