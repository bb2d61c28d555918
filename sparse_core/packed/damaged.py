"""The error of everything that unpacks."""


class Damaged(ValueError):
    """Parts of a packed weight that cannot belong together; the text is the end of a sentence."""
