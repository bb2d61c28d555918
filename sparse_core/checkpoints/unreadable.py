"""The one internal error of the readers: a cause and a way out, without the file's name.

Readers work on regions, streams and members and do not know which file the user opened.
`sparse_core.checkpoints.checkpoint` catches this in one place and puts the path before it.
"""


class Unreadable(Exception):
    """Why this is no readable checkpoint, as a sentence that follows ``PATH cannot be read:``."""


class NotHere(Unreadable):
    """The bytes end before the value does: a truncated file, or too short a window on it."""
