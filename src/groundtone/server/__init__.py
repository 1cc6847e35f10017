"""A workspace behind OpenAI's HTTP API."""
