"""HTTP: the answer endpoint, the chat page, health."""
