"""A file opened for its readers, wherever it lies."""

from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.location import Location
from sparse_core.checkpoints.remote.address import RemotePath
from sparse_core.checkpoints.remote.file import RemoteFile


def source_file(path: Location) -> SourceFile:
    """Open a file; see `SourceFile`."""
    return RemoteFile(path) if isinstance(path, RemotePath) else SourceFile(path)
