"""A folder: which checkpoint in it is meant."""

from sparse_core.checkpoints import dcp, one_file, sharded
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.location import Location
from sparse_core.checkpoints.places import snapshot_of
from sparse_core.checkpoints.source_file import source_file
from sparse_core.checkpoints.unreadable import Unreadable

_USUAL_NAMES = (
    "model.safetensors.index.json",
    "model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
_ENDINGS = (".index.json", ".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".npz")


def read(folder: Location) -> Content:
    """Read the one checkpoint that a folder holds.

    DCP folders by their ``.metadata``, then the names that the Hugging Face hub uses, then the
    only file of its kind, then the snapshot that a hub cache refers to.

    Raises
    ------
    Unreadable
        If there is none, or several and nothing tells which is meant.
    """
    if (folder / dcp.METADATA).is_file():
        return dcp.read(folder)
    snapshot = snapshot_of(folder)
    if snapshot is not None:
        return read(snapshot)
    return read_file(_choice(folder))


def read_file(path: Location) -> Content:
    """Read a file, or the shards that it lists."""
    file = source_file(path)
    return sharded.read(file) if path.name.endswith(".index.json") else one_file.read(file)


def _choice(folder: Location) -> Location:
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    for usual in _USUAL_NAMES:
        if usual in names:
            return folder / usual
    for ending in _ENDINGS:
        found = [name for name in names if name.endswith(ending)]
        if len(found) == 1:
            return folder / found[0]
        if found:
            shown = ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
            raise Unreadable(f"the folder holds several ({shown}): open one of them.")
    raise Unreadable("the folder holds no checkpoint: open one that does, or a file.")
