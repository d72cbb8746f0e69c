"""Data, pure: what the layers above pass to each other."""
