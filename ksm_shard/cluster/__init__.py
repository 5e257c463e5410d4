"""The only room that talks to the API server: credentials, requests, lists and watches."""
