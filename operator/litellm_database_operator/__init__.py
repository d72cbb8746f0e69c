"""A Kubernetes operator that gives every LiteLLM proxy its PostgreSQL database."""

__version__ = "0.1.0"
