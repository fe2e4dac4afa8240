"""The one exception that users are meant to read."""


class WinnowError(Exception):
    """Something a user can mend. The message names the file, the key or row, and the remedy."""


class BadImageError(ValueError):
    """An image that cannot be used; the message is the quarantine reason."""
