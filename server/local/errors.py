"""What ends a command with one sentence in place of a traceback."""


class LocalError(Exception):
    """A sentence that tells the developer what is wrong and what to do about it."""
