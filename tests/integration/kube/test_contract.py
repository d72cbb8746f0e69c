"""The real API server passes the contract that the fake is held to."""

from tests.support.kube_contract import *  # noqa: F403 - its tests and fixtures are what this module is for
