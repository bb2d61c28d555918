"""The one table of number formats.

Every format that a checkpoint can hold has a row here: its size, how its raw bits are laid
into a numpy array, and what makes a raw pattern zero. All readers, masks and statistics go
through this table; a second one would drift.
"""

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Family = Literal["float", "int", "uint", "bool", "complex"]


class DType(msgspec.Struct, frozen=True):
    """A number format.

    Attributes
    ----------
    name : str
        The name PyTorch gives it, without ``torch.``: ``float32``, ``bfloat16``.
    short : str
        What the screen says: ``fp32``, ``bf16``.
    itemsize : int
        Bytes per element.
    raw : str
        The numpy format of the stored bits. Formats that numpy lacks are unsigned integers
        of the same width.
    family : str
        ``float``, ``int``, ``uint``, ``bool`` or ``complex``.
    code : str
        The name in safetensors headers; empty where safetensors has none.
    """

    name: str
    short: str
    itemsize: int
    raw: str
    family: Family
    code: str


TABLE = (
    DType("float64", "fp64", 8, "<f8", "float", "F64"),
    DType("float32", "fp32", 4, "<f4", "float", "F32"),
    DType("float16", "fp16", 2, "<f2", "float", "F16"),
    DType("bfloat16", "bf16", 2, "<u2", "float", "BF16"),
    DType("float8_e4m3fn", "fp8 e4m3", 1, "|u1", "float", "F8_E4M3"),
    DType("float8_e5m2", "fp8 e5m2", 1, "|u1", "float", "F8_E5M2"),
    DType("float8_e4m3fnuz", "fp8 e4m3 uz", 1, "|u1", "float", "F8_E4M3FNUZ"),
    DType("float8_e5m2fnuz", "fp8 e5m2 uz", 1, "|u1", "float", "F8_E5M2FNUZ"),
    DType("float8_e8m0fnu", "fp8 e8m0", 1, "|u1", "float", "F8_E8M0"),
    DType("int64", "int64", 8, "<i8", "int", "I64"),
    DType("int32", "int32", 4, "<i4", "int", "I32"),
    DType("int16", "int16", 2, "<i2", "int", "I16"),
    DType("int8", "int8", 1, "|i1", "int", "I8"),
    DType("uint64", "uint64", 8, "<u8", "uint", "U64"),
    DType("uint32", "uint32", 4, "<u4", "uint", "U32"),
    DType("uint16", "uint16", 2, "<u2", "uint", "U16"),
    DType("uint8", "uint8", 1, "|u1", "uint", "U8"),
    DType("bool", "bool", 1, "|u1", "bool", "BOOL"),
    DType("complex64", "complex64", 8, "<c8", "complex", "C64"),
    DType("complex128", "complex128", 16, "<c16", "complex", ""),
)
DTYPES = {dtype.name: dtype for dtype in TABLE}
BY_CODE = {dtype.code: dtype for dtype in TABLE if dtype.code}

Raw = npt.NDArray[np.generic]
"""An array of stored bits: its numpy format is the ``raw`` of a DType that travels with it."""
