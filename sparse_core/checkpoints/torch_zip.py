"""PyTorch's zip files: a pickle in ``data.pkl``, storages in ``data/KEY``."""

from collections.abc import Mapping

from sparse_core.checkpoints import pickles
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.pickles.values import Opaque
from sparse_core.checkpoints.torch_storages import opener
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.checkpoints.zipped import Archive

FORMAT = "PyTorch zip"
MAX_PICKLE_BYTES = 1 << 28


def belongs(archive: Archive) -> bool:
    """Whether an archive is one that PyTorch wrote."""
    return any(name.endswith("/data.pkl") or name == "data.pkl" for name in archive.names())


def read(archive: Archive) -> Content:
    """Read the pickle of an archive; weights stay where they are.

    Raises
    ------
    Unreadable
        If it is TorchScript, of the other byte order, damaged, or no dict of tensors.
    """
    return Content(
        format=FORMAT,
        tree=state_dict_of(load(archive)),
        files=(archive.file,),
        folder=archive.file.path.parent,
    )


def load(archive: Archive) -> object:
    """Whatever was given to ``torch.save``, with tensors as sources."""
    prefix = _prefix(archive)
    if f"{prefix}constants.pkl" in archive:
        raise Unreadable(
            "it is TorchScript, a program with its weights: load it with torch.jit.load where you "
            "trust it, and save its state_dict()."
        )
    order = f"{prefix}byteorder"
    if order in archive and archive.read(order, 100).strip() == b"big":
        raise Unreadable("its numbers are big-endian: save it again on a little-endian machine.")
    data = archive.read(f"{prefix}data.pkl", MAX_PICKLE_BYTES)
    value, _ = pickles.load(data, opener(lambda key: archive.region(f"{prefix}data/{key}")))
    return value


def state_dict_of(value: object) -> Mapping[object, object]:
    """``value``, if it is a dict; otherwise the sentence that says what it is.

    Raises
    ------
    Unreadable
        If it is anything else than a dict.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        return dict(enumerate(value))
    if isinstance(value, Opaque):
        raise Unreadable(
            f"it holds a pickled object of class {value.kind}, not a dict of tensors: load it "
            "where it was made and save its state_dict()."
        )
    raise Unreadable("it holds a single value, not a dict of tensors.")


def _prefix(archive: Archive) -> str:
    pickled = [name for name in archive.names() if name.endswith("data.pkl")]
    roots = [name for name in pickled if name.count("/") <= 1]
    if not roots:
        raise Unreadable("it is a zip archive without the data.pkl that PyTorch writes.")
    return roots[0].removesuffix("data.pkl")
