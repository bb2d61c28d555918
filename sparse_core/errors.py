"""What the user is told when something cannot be done.

::

    SparseError             a sentence for the user: what, where, what to do
    ├── CheckpointError     a file cannot be read as a checkpoint
    ├── ChangedError        a file changed while it was being read
    ├── PatternError        an N:M pattern that does not exist or does not fit
    ├── RunError            a run folder or a training that cannot go on
    └── Cancelled           the user said stop; never shown as an error

Anything else that is raised is a bug: it goes to the log with its traceback.
A class exists only where somebody catches it.
"""


class SparseError(Exception):
    """A sentence for the user: what is wrong, where, and what to do about it."""


class CheckpointError(SparseError):
    """A file that cannot be read as a checkpoint."""


class ChangedError(CheckpointError):
    """A file that was deleted, replaced or truncated while it was being read."""


class PatternError(SparseError):
    """An N:M pattern that does not exist or does not fit a shape."""


class RunError(SparseError):
    """A run folder that cannot be used, or a training that cannot go on."""


class Cancelled(SparseError):
    """The user said stop. Never shown as an error."""
