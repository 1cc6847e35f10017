"""The workspace as tools for other people's assistants: a Model Context Protocol server."""
