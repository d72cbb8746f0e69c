"""What the command line says instead of a traceback."""


class ClusterError(Exception):
    """The cluster cannot be brought where it should be; the message says why and what to do."""
