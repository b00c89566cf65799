"""Articles → passages → terms and vectors → a snapshot on disk."""
