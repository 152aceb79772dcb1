"""What all errors that a user may see have in common: whoever catches this one has caught them all."""


class TracemillError(Exception):
    """An error about what the user gave or has: its text is one sentence for them."""
