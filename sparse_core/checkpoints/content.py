"""What a format reader hands on: the tree of a file, before anybody asked what is a model in it."""

from collections.abc import Mapping

import msgspec

from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.location import Location


class Content(msgspec.Struct, frozen=True, eq=False):
    """A file or folder as read.

    Attributes
    ----------
    format : str
        What the user is told it is: ``safetensors``, ``PyTorch zip``, ...
    tree : mapping
        Nested dicts; leaves are `arrays.Source`, the stand-ins of `pickles.values`, plain values.
    files : tuple of SourceFile
        Every file behind it.
    folder : Path or RemotePath
        Where files that belong to it (``config.json``) would lie.
    metadata : mapping of str to str
        What the header says about the whole.
    notes : tuple of str
        Sentences for the user.
    """

    format: str
    tree: Mapping[object, object]
    files: tuple[SourceFile, ...]
    folder: Location
    metadata: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()
