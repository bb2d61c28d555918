"""Builders of hostile files, each into a folder; `HOSTILE` names them all.

Whatever they try to run would create the file ``MARK`` in the current folder.
"""

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

MARK = "executed"
COMMAND = f"touch {MARK}"

LEGACY_MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)


# ---------------------------------------------------------------- raw pieces


def safetensors_bytes(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file around any header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def torch_zip_bytes(data: bytes, storages: Mapping[str, bytes] | None = None) -> bytes:
    """A PyTorch zip around any pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", "little")
        for key, storage in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", storage)
        archive.writestr("archive/version", "3\n")
    return out.getvalue()


def torch_legacy_bytes(data: bytes, keys: list[str] | None = None, body: bytes = b"") -> bytes:
    """A legacy PyTorch file around any pickle."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    preamble = LEGACY_MAGIC + pickle.dumps(1001, 2) + pickle.dumps(system, 2)
    return preamble + data + pickle.dumps(keys or [], 2) + body


def tensor_pickle(
    size: tuple[int, ...],
    stride: tuple[int, ...],
    offset: int = 0,
    numel: int = 4,
    key: str = "0",
) -> bytes:
    """The pickle of ``{"weight": tensor}`` with any numbers in it."""

    def number(value: int) -> bytes:
        raw = value.to_bytes(max(1, (value.bit_length() + 8) // 8), "little", signed=True)
        return b"\x8a" + bytes([len(raw)]) + raw

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(number(value) for value in values) + b"t"

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    storage = (
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu")
        + number(numel) + b"tQ"
    )  # fmt: skip
    return (
        b"\x80\x02}" + text("weight") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage
        + number(offset) + numbers(size) + numbers(stride) + b"\x89}tRs."
    )  # fmt: skip


# ---------------------------------------------------------------- pickles that run something

TEXT = b"X" + struct.pack("<I", len(COMMAND)) + COMMAND.encode()
REDUCE = b"\x80\x02cposix\nsystem\n" + TEXT + b"\x85R."
INST = b"(S'" + COMMAND.encode() + b"'\niposix\nsystem\n."
OBJ = b"\x80\x02(cposix\nsystem\n" + TEXT + b"o."
NEWOBJ = b"\x80\x02csubprocess\nPopen\n]X" + struct.pack("<I", 5) + b"touch" + b"a\x85\x81."
BUILD_STATE = (
    b"\x80\x02c__main__\nThing\n)\x81}X\x0c\x00\x00\x00__setstate__cposix\nsystem\nsb"
    + TEXT
    + b"b."
)
BUILD_CLASS = b"\x80\x02cbuiltins\nobject\n}X\x01\x00\x00\x00aK\x01sb."
EVAL = b"\x80\x02c__builtin__\neval\nX\x03\x00\x00\x001+1\x85R."
GETATTR = b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93\x8c\x02os\x8c\x06system\x86R."
DOTTED = b"\x80\x04\x8c\x0bcollections\x8c\x17abc.sys.modules.popitem\x93)R."
NESTED_LOAD = (
    b"\x80\x02}X\x06\x00\x00\x00weightctorch.storage\n_load_from_bytes\nB"
    + struct.pack("<I", len(REDUCE)) + REDUCE + b"\x85Rs."
)  # fmt: skip
IN_A_STATE_DICT = b"\x80\x02}X\x04\x00\x00\x00evilcposix\nsystem\n" + TEXT + b"\x85Rs."
NESTED_TUPLES = b"\x80\x02)" + b"\x85" * 100_000 + b"."
NESTED_TUPLES_BESIDE = b"\x80\x02}X\x01\x00\x00\x00a)" + b"\x85" * 100_000 + b"s."
NESTED_TUPLE_KEY = b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s."
NESTED_LISTS = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
NESTED_MARKS = b"\x80\x02" + b"(" * 1_000_000 + b"."
NESTED_CALLS = b"\x80\x02cthing\nThing\nq\x00)R" + b"q\x01h\x00h\x01\x85R" * 50_000 + b"."
SELF_CONTAINED = b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."
LAUGHS = b"\x80\x02]q\x00" + b"".join(
    b"](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1]) for i in range(60)
) + b"."  # fmt: skip
HUGE_INTEGER = b"\x80\x02\x8b" + struct.pack("<i", 1 << 20) + b"\x7f" * (1 << 20) + b"."
HUGE_DECIMAL = b"I" + b"9" * 100_000 + b"\n."
HUGE_TEXT_CLAIM = b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"abc."
HUGE_MEMO = b"\x80\x02K\x01r\xff\xff\xff\xff."
UNDERFLOW = b"\x80\x02R."
EXTENSION = b"\x80\x02\x82\x01."

PICKLES: dict[str, bytes] = {
    "reduce": REDUCE,
    "inst": INST,
    "obj": OBJ,
    "newobj": NEWOBJ,
    "build state": BUILD_STATE,
    "build class": BUILD_CLASS,
    "eval": EVAL,
    "getattr": GETATTR,
    "dotted name": DOTTED,
    "nested load": NESTED_LOAD,
    "in a state dict": IN_A_STATE_DICT,
    "nested tuples": NESTED_TUPLES,
    "nested tuples beside": NESTED_TUPLES_BESIDE,
    "nested tuple as key": NESTED_TUPLE_KEY,
    "nested lists": NESTED_LISTS,
    "nested marks": NESTED_MARKS,
    "nested calls": NESTED_CALLS,
    "contains itself": SELF_CONTAINED,
    "billion laughs": LAUGHS,
    "huge integer": HUGE_INTEGER,
    "huge decimal": HUGE_DECIMAL,
    "huge text claim": HUGE_TEXT_CLAIM,
    "huge memo index": HUGE_MEMO,
    "underflow": UNDERFLOW,
    "extension": EXTENSION,
    "stride beyond": tensor_pickle((2, 2), (3, 1)),
    "stride negative": tensor_pickle((2, 2), (-2, 1)),
    "stride huge": tensor_pickle((2, 2), (1 << 62, 1)),
    "stride of 80 bits": tensor_pickle((2, 2), (1 << 80, 1)),
    "stride zero, endless": tensor_pickle((1 << 40,), (0,)),
    "strides too few": tensor_pickle((2, 2), (1,)),
    "offset beyond": tensor_pickle((4,), (1,), offset=1),
    "offset negative": tensor_pickle((4,), (1,), offset=-1),
    "size negative": tensor_pickle((-1,), (1,)),
    "size huge": tensor_pickle((1 << 60, 1 << 60), (1, 1)),
    "too many dimensions": tensor_pickle((1,) * 65, (1,) * 65),
    "storage longer than its bytes": tensor_pickle((100,), (1,), numel=100),
    "storage missing": tensor_pickle((4,), (1,), key="nowhere"),
    "storage of negative length": tensor_pickle((4,), (1,), numel=-4),
}


# ---------------------------------------------------------------- files

F32 = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
BODY = bytes(range(16))


def _two(first: tuple[int, int], second: tuple[int, int]) -> dict[str, object]:
    def entry(offsets: tuple[int, int]) -> dict[str, object]:
        count = max(0, offsets[1] - offsets[0]) // 4
        return {"dtype": "F32", "shape": [count], "data_offsets": list(offsets)}

    return {"a": entry(first), "b": entry(second)}


def _named_twice() -> bytes:
    entry = json.dumps(F32)
    return f'{{"a": {entry}, "a": {entry}}}'.encode()


def _escaped_twice() -> bytes:
    entry = json.dumps(F32)
    return f'{{"a": {entry}, "\\u0061": {entry}}}'.encode()


SAFETENSORS: dict[str, bytes] = {
    "header of 2^63 bytes": safetensors_bytes({"a": F32}, BODY, length=1 << 63),
    "header beyond the file": safetensors_bytes({"a": F32}, BODY, length=1 << 20),
    "overlap": safetensors_bytes(_two((0, 12), (8, 16)), BODY),
    "same place twice": safetensors_bytes(_two((0, 16), (0, 16)), BODY),
    "gap": safetensors_bytes(_two((0, 4), (8, 16)), BODY),
    "out of range": safetensors_bytes({"a": F32 | {"data_offsets": [0, 32], "shape": [8]}}, BODY),
    "far out of range": safetensors_bytes(
        {"a": F32 | {"data_offsets": [1 << 62, (1 << 62) + 16]}}, BODY
    ),
    "negative offset": safetensors_bytes({"a": F32 | {"data_offsets": [-16, 0]}}, BODY),
    "backwards": safetensors_bytes({"a": F32 | {"data_offsets": [16, 0]}}, BODY),
    "trailing bytes": safetensors_bytes({"a": F32}, BODY + b"more"),
    "shape does not fit": safetensors_bytes({"a": F32 | {"shape": [3]}}, BODY),
    "shape negative": safetensors_bytes({"a": F32 | {"shape": [-2, -2]}}, BODY),
    "shape overflows": safetensors_bytes({"a": F32 | {"shape": [1 << 33, 1 << 33]}}, BODY),
    "shape too long": safetensors_bytes({"a": F32 | {"shape": [1] * 100}}, BODY),
    "named twice": safetensors_bytes(_named_twice(), BODY),
    "named twice by escape": safetensors_bytes(_escaped_twice(), BODY),
    "no offsets": safetensors_bytes({"a": {"dtype": "F32", "shape": [2]}}, BODY),
    "no format": safetensors_bytes({"a": {"shape": [2, 2], "data_offsets": [0, 16]}}, BODY),
    "entry is a list": safetensors_bytes({"a": [1, 2]}, BODY),
    "metadata is a number": safetensors_bytes({"__metadata__": 3, "a": F32}, BODY),
    "header is a list": safetensors_bytes(b"[1, 2, 3]", BODY),
    "header is cut": safetensors_bytes(b'{"a": {"dtype": "F32"', BODY),
    "header is not text": safetensors_bytes(b'{"\xff\xfe": 3}', BODY),
    "header nests": safetensors_bytes(b'{"a":' * 50_000, BODY),
    "header nests in an entry": safetensors_bytes(b'{"a":{"x":' + b"[" * 100_000, BODY),
    "empty header": safetensors_bytes(b"{}"),
}


def _bomb(member: str, claimed: int, packed: bytes) -> bytes:
    """A zip whose one large member claims ``claimed`` bytes and holds ``packed``."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, b"")
    raw = bytearray(out.getvalue())
    info = zipfile.ZipFile(out).infolist()[0]
    start = 30 + len(member)
    raw[start : start + info.compress_size] = packed
    struct.pack_into("<II", raw, 18, len(packed), claimed)
    directory = raw.index(b"PK\x01\x02")
    struct.pack_into("<II", raw, directory + 20, len(packed), claimed)
    end = raw.index(b"PK\x05\x06")
    struct.pack_into("<I", raw, end + 16, directory)
    return bytes(raw)


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _npy(descr: str, shape: tuple[int, ...], body: bytes, fortran: bool = False) -> bytes:
    header = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def npz_bytes(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An npz around any members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _object_array() -> bytes:
    out = io.BytesIO()
    np.savez(out, weight=np.array([{"a": 1}], dtype=object))
    return out.getvalue()


def _torchscript(folder: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(folder / "script.pt"))


NPZ: dict[str, bytes] = {
    "object array": _object_array(),
    "big-endian array": npz_bytes({"a.npy": _npy(">f4", (2,), b"\0" * 8)}),
    "records": npz_bytes({"a.npy": _npy("|V16", (2,), b"\0" * 32)}),
    "array beyond its member": npz_bytes({"a.npy": _npy("<f4", (100,), b"\0" * 8)}),
    "array of absurd shape": npz_bytes({"a.npy": _npy("<f4", (1 << 62, 1 << 62), b"\0" * 8)}),
    "array without header": npz_bytes({"a.npy": b"not numpy"}),
    "header that is code": npz_bytes(
        {"a.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", 30) + b"__import__('os').system('x')  "}
    ),
    "array with a broken shape": npz_bytes(
        {"a.npy": _npy("<f4", (3, 4), b"\0" * 48).replace(b"3, 4", b"3\x1c 4")}
    ),
    "no arrays": npz_bytes({}),
    "claims 4 GB": _bomb("w.npy", (1 << 32) - 2, _deflate(b"")),
    "claims more than deflate can": _bomb("w.npy", 1 << 20, _deflate(b"x")),
}

OTHER: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\x80",
    "text": b"hello, this is no checkpoint\n" * 10,
    "random": np.random.default_rng(0).integers(0, 256, 4096, np.uint8).tobytes(),
    "web page": b"<!DOCTYPE html><html></html>",
    "lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
    "gguf": b"GGUF" + bytes(100),
    "tar": bytes(257) + b"ustar" + bytes(250),
    "bare pickle": pickle.dumps({"weight": [1.0, 2.0]}),
    "foreign zip": npz_bytes({"readme.txt": b"hello"}),
    "half a zip": npz_bytes({"readme.txt": b"hello"})[:40],
    "namespace": torch_legacy_bytes(
        b"\x80\x02cargparse\nNamespace\n)\x81}X\x02\x00\x00\x00lrK\x01sb."
    ),
    "only numbers": torch_zip_bytes(pickle.dumps({"epoch": 3, "lr": 0.1}, 2)),
    "big-endian torch": torch_zip_bytes(tensor_pickle((4,), (1,)), {"0": bytes(16)}).replace(
        b"little", b"big   "
    ),
}


def _index(folder: Path, weight_map: object) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def _index_case(weight_map: object) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        (folder / "one.safetensors").write_bytes(safetensors_bytes({"a": F32}, BODY))
        _index(folder, weight_map)
        return folder / "model.safetensors.index.json"

    return build


INDICES: dict[str, Callable[[Path], Path]] = {
    "missing shard": _index_case({"a": "one.safetensors", "b": "two.safetensors"}),
    "shard outside": _index_case({"a": "../one.safetensors"}),
    "shard far outside": _index_case({"a": "sub/../../one.safetensors"}),
    "shard absolute": _index_case({"a": "/etc/passwd"}),
    "shard with backslash": _index_case({"a": "..\\one.safetensors"}),
    "shard with NUL": _index_case({"a": "one\0.safetensors"}),
    "shard is the folder": _index_case({"a": "."}),
    "shard without name": _index_case({"a": ""}),
    "tensor not in its shard": _index_case({"b": "one.safetensors"}),
    "tensor not in the index": _index_case({"a": "one.safetensors"} | {"c": "one.safetensors"}),
    "index without a map": _index_case(None),
    "index with an empty map": _index_case({}),
    "index maps to numbers": _index_case({"a": 3}),
}


def build_all(folder: Path) -> dict[str, Path]:
    """Write every hostile file and folder; give them by name."""
    files: dict[str, bytes] = {
        **{f"zip {name}": torch_zip_bytes(data, {"0": BODY}) for name, data in PICKLES.items()},
        **{
            f"legacy {name}": torch_legacy_bytes(data, ["0"], struct.pack("<q", 4) + BODY)
            for name, data in PICKLES.items()
        },
        **{f"safetensors {name}": data for name, data in SAFETENSORS.items()},
        **{f"npz {name}": data for name, data in NPZ.items()},
        **OTHER,
    }
    found = {}
    for name, data in files.items():
        found[name] = folder / name.replace("/", "_")
        found[name].write_bytes(data)
    for name, data in PICKLES.items():
        dcp = folder / f"dcp {name}"
        dcp.mkdir()
        (dcp / ".metadata").write_bytes(data)
        found[dcp.name] = dcp
    for name, build in INDICES.items():
        place = folder / f"index {name}"
        place.mkdir()
        found[place.name] = build(place)
    _torchscript(folder)
    found["torchscript"] = folder / "script.pt"
    empty = folder / "empty folder"
    empty.mkdir()
    found["empty folder"] = empty
    found["nowhere"] = folder / "nowhere"
    return found
