"""What the command line says instead of a traceback."""


class ImageError(Exception):
    """An image cannot be built; the message says why and what to do."""
