"""compressed-tensors: bitmask forms are unpacked, quantised words are named.

Newer files write ``X.compressed``, older ones ``X.weight.compressed``; both become ``X.weight``.
"""

from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.rows import Row
from sparse_core.checkpoints.unpacked import Bitmask24Rows, BitmaskBits, BitmaskRows, UnpackedRows
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.checkpoints.writers.codes import as_codes
from sparse_core.checkpoints.writers.desk import Desk

WRITER = "compressed-tensors"
_QUANTISED_PARTS = (
    "weight_packed", "weight_scale", "weight_zero_point", "weight_g_idx", "weight_shape",
    "weight_global_scale", "scale_packed", "meta",
)  # fmt: skip
_GPTQ_PARTS = ("qweight", "qzeros", "scales", "g_idx")


def fold_bitmasks(desk: Desk) -> None:
    """Unpack ``sparse-bitmask`` and ``sparse-24-bitmask``."""
    for prefix in desk.named("bitmask"):
        bits, values = desk.source(f"{prefix}bitmask"), desk.source(f"{prefix}compressed")
        if bits is None or values is None or len(bits.shape) != 2 or bits.dtype.name != "uint8":
            continue
        shape = _shape(desk.source(f"{prefix}shape"), bits, values)
        two_of_four = len(values.shape) == 2
        form = Bitmask24Rows if two_of_four else BitmaskRows
        weights: UnpackedRows = form(dtype=values.dtype, shape=shape, parts=(values, bits))
        parts = ("compressed", "bitmask", "shape", "row_offsets")
        desk.fold(
            Row(
                name=_plain_name(prefix),
                weights=weights,
                mask=BitmaskBits(bits, shape[1]),
                form="packed",
                parts=tuple(prefix + part for part in parts if prefix + part in desk.left),
                note=f"Packed as {'sparse-24-bitmask' if two_of_four else 'sparse-bitmask'}.",
            ),
            WRITER,
        )


def _shape(stored: Source | None, bits: Source, values: Source) -> tuple[int, int]:
    """Give rows and columns, from the stored shape if there is one."""
    rows, width = bits.shape
    if stored is not None and stored.elements == 2 and stored.dtype.family in ("int", "uint"):
        said_rows, columns = (int(number) for number in stored.read(0, 2))
        if said_rows != rows or -(-columns // 8) != width or columns < 1:
            raise Unreadable("the shape of a packed weight does not fit its bitmask.")
    elif len(values.shape) == 2:
        columns = 2 * values.shape[1]
    else:
        raise Unreadable("a packed weight does not say its shape.")
    if len(values.shape) == 2 and values.shape != (rows, columns // 2):
        raise Unreadable("the values of a packed weight do not fit its shape.")
    return rows, columns


def _plain_name(prefix: str) -> str:
    name = prefix.removesuffix(".")
    return name if name == "weight" or name.endswith(".weight") else f"{prefix}weight"


def fold_quantised(desk: Desk) -> None:
    """Name ``pack-quantized``, ``marlin-24`` and GPTQ words; they are not judged."""
    for ending, known in (("weight_packed", _QUANTISED_PARTS), ("qweight", _GPTQ_PARTS)):
        for prefix in desk.named(ending):
            words = desk.source(f"{prefix}{ending}")
            if words is None:
                continue
            form = _form(desk, prefix, ending)
            desk.fold(
                Row(
                    name=f"{prefix}weight",
                    weights=as_codes(words),
                    form="quantised",
                    parts=tuple(prefix + part for part in known if prefix + part in desk.left),
                    note=f"Quantised words ({form}), not judged.",
                ),
                WRITER if ending == "weight_packed" else "GPTQ",
            )
            desk.say("Quantised words are listed and not judged: their zeros depend on scales.")


def _form(desk: Desk, prefix: str, ending: str) -> str:
    if ending == "qweight":
        return "GPTQ"
    if f"{prefix}scale_packed" in desk.left:
        return "marlin-24, packed int4 2:4"
    said = desk.beside.quantization.get("format")
    return said if isinstance(said, str) else "pack-quantized"
