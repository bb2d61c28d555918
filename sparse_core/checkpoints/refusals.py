"""What a file is that is no checkpoint, in a sentence with a way out."""

from collections.abc import Sequence

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"GGUF", "it is a GGUF file: open the safetensors files that it was converted from."),
    (b"version https://git-lfs", "it is a git-lfs pointer, not the file: run git lfs pull."),
    (b"\x89HDF\r\n\x1a\n", "it is an HDF5 (Keras) file: save its weights as npz or safetensors."),
    (b"\x93NUMPY", "it is a single numpy array: save it with numpy.savez under a name."),
    (b"\x1f\x8b", "it is compressed with gzip: unpack it first."),
    (b"\xfd7zXZ", "it is compressed with xz: unpack it first."),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd: unpack it first."),
    (b"BZh", "it is compressed with bzip2: unpack it first."),
    (b"<!DOCTYPE", "it is a web page: the download failed."),
    (b"<html", "it is a web page: the download failed."),
    (b"\x7fELF", "it is a program, not a checkpoint."),
)
_TAR = (257, b"ustar")
_WAY_OUT = "Readable are safetensors, PyTorch files, DCP folders and npz."


def explain(head: bytes, size: int) -> str:
    """Say what a file is that begins with ``head`` and is none of the formats."""
    if size == 0:
        return "it is empty."
    for beginning, sentence in _BEGINNINGS:
        if head.startswith(beginning):
            return sentence
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "it is a tar archive: unpack it first (PyTorch wrote such files before 0.1.10)."
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return (
            "it is a bare pickle, not written by torch.save; pickles can run anything and are not "
            "loaded. Save it with torch.save or as safetensors."
        )
    if head[:1] in (b"(", b"c", b"]", b"}") and b"\n" in head[:200]:
        return f"it is a text pickle or no checkpoint at all. {_WAY_OUT}"
    return f"it is no checkpoint that is known here. {_WAY_OUT}"


def explain_archive(names: Sequence[str]) -> str:
    """Say what a zip archive is that neither PyTorch nor numpy wrote."""
    if any("/code/" in name or name.endswith("model.json") for name in names):
        return (
            "it is TorchScript, a program with its weights: load it with torch.jit.load where you "
            "trust it, and save its state_dict()."
        )
    if any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in names):
        return "it is a program of torch.export: save the state_dict() of the model instead."
    if any(name.endswith((".keras", "model.weights.h5")) for name in names):
        return "it is a Keras file: save its weights as npz or safetensors."
    return f"it is a zip archive of something else: unpack it first. {_WAY_OUT}"
