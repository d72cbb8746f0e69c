"""Upstream's way to apply migrations, `migration.engine: PrismaCLI`."""
