"""What the window asks about the core's machine: its folders and its cache."""

import msgspec

from sparse_core.messages.vocabulary import Message


class FolderWanted(Message, frozen=True):
    """List a folder of the core's machine; "" is the user's home: one ``Folder``."""

    path: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One name in a folder.

    Attributes
    ----------
    name : str
    folder : bool
    bytes : int
        0 for folders.
    likely : bool
        It is called like a checkpoint.
    """

    name: str
    folder: bool
    bytes: int = 0
    likely: bool = False


class Folder(Message, frozen=True):
    """Folders first, then files, each by name; ``more`` were left out, hidden ones uncounted.

    ``path`` is absolute; ``parent`` is the folder above, "" at the root.
    """

    path: str
    parent: str
    entries: tuple[Entry, ...]
    more: int = 0


class CacheWanted(Message, frozen=True):
    """How much the analysis cache holds, after it was emptied if ``clear``: one ``CacheHeld``."""

    clear: bool = False


class CacheHeld(Message, frozen=True):
    """What the analysis cache holds now."""

    folder: str
    entries: int
    bytes: int
