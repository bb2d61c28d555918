"""A single file, judged by what it begins with and never by its name."""

from sparse_core.checkpoints import npz, refusals, safetensors_file, torch_legacy, torch_zip
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.checkpoints.zipped import MAGIC as ZIP_MAGIC
from sparse_core.checkpoints.zipped import Archive

_HEAD_BYTES = 512


def read(file: SourceFile) -> Content:
    """Read the headers of a checkpoint in one file.

    Raises
    ------
    Unreadable
        If it is none, or damaged.
    """
    head = file.read_at(0, _HEAD_BYTES)
    if head.startswith(torch_legacy.MAGIC):
        return torch_legacy.read(file)
    if head.startswith(ZIP_MAGIC):
        return _zipped(Archive(file))
    if safetensors_file.looks_like(head, file.size):
        return safetensors_file.read(file)
    raise Unreadable(refusals.explain(head, file.size))


def _zipped(archive: Archive) -> Content:
    if npz.belongs(archive):
        return npz.read(archive)
    if torch_zip.belongs(archive):
        return torch_zip.read(archive)
    raise Unreadable(refusals.explain_archive(archive.names()))
