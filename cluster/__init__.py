"""A Kubernetes of one node on this machine, for trying the operator and for its tests.

Runs with the standard library only: it is used before anything else is installed.
"""
