"""The arena on real clusters, with real clients."""
