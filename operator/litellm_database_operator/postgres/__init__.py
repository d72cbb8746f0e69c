"""The only way to a PostgreSQL server."""
