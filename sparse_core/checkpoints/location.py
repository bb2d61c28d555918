"""Where a checkpoint lies: a path of this machine, or an address of a store."""

from pathlib import Path

from sparse_core.checkpoints.remote.address import RemotePath
from sparse_core.messages import is_address

Location = Path | RemotePath


def location_of(path: str | Location) -> Location:
    """Tell an address from a path; a path becomes absolute."""
    if isinstance(path, RemotePath):
        return path
    if is_address(str(path)):
        return RemotePath(str(path))
    return Path(path).expanduser().absolute()
