"""Container images made without a container engine, for the local cluster.

Runs with the standard library only: it is used before anything else is installed.
"""
