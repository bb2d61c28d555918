"""The report of a checkpoint, written by the core beside the file it is about."""

from sparse_core.messages.checkpoint import FileId, ScanOptions
from sparse_core.messages.vocabulary import Message


class ReportTo(Message, frozen=True):
    """Write the report of a file: a page to ``html`` and, if named, the same as JSON.

    ``Progress`` as it goes, then ``ReportWritten``. Paths are of the core's machine. Nothing is
    overwritten; ``replace`` lets an older report make room, and nothing but a report. A stopped
    or failed job leaves nothing behind.
    """

    file: FileId
    options: ScanOptions
    html: str
    json: str = ""
    replace: bool = False


class ReportWritten(Message, frozen=True):
    """A report was written.

    Attributes
    ----------
    html, json : str
        Where; absolute, ``json`` "" if none was asked for.
    html_bytes, json_bytes : int
    unread : tuple of str
        Why tensors could not be read; the report says so too.
    """

    html: str
    json: str
    html_bytes: int
    json_bytes: int
    unread: tuple[str, ...] = ()
