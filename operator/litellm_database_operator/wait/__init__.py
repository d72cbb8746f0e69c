"""Waits, in a proxy's pod, until the schema is there: `python3 -m litellm_database_operator.wait`.

It begins before each proxy does: no Kubernetes, no kopf, no pydantic.
"""
