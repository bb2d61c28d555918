"""PyTorch's semi-structured tensors: a subclass with inner tensors, or these written out."""

from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.pickles.values import Wrapper
from sparse_core.checkpoints.rows import Row
from sparse_core.checkpoints.unpacked import CutlassRows
from sparse_core.checkpoints.writers.codes import as_codes
from sparse_core.checkpoints.writers.desk import Desk
from sparse_core.dtypes import DType

WRITER = "torch semi-structured"
_CUTLASS = "SparseSemiStructuredTensorCUTLASS"
_META_BYTES = {1: 4, 2: 2, 4: 2}


def fold(desk: Desk) -> None:
    """Unpack the CUTLASS layout; name every other subclass."""
    for name, wrapper in desk.wrappers():
        row = _unpacked(name, wrapper) if wrapper.kind.endswith(_CUTLASS) else None
        if row is not None:
            desk.fold(row, WRITER)
            continue
        _name_wrapper(desk, name, wrapper)
    for prefix in desk.named("packed"):
        values, meta = desk.source(f"{prefix}packed"), desk.source(f"{prefix}meta")
        if values is not None and meta is not None and len(values.shape) == 2:
            shape = (values.shape[0], 2 * values.shape[1])
            if _fits(values.dtype, shape, values, meta):
                name = prefix.removesuffix(".")
                known = ("packed", "meta", "packed_t", "meta_t", "compressed_swizzled_bitmask")
                parts = tuple(prefix + part for part in known if prefix + part in desk.left)
                desk.fold(_row(name, shape, values, meta, parts), WRITER)


def _unpacked(name: str, wrapper: Wrapper) -> Row | None:
    values, meta = wrapper.inner.get("packed"), wrapper.inner.get("meta")
    if values is None or meta is None or len(wrapper.shape) != 2:
        return None
    if not _fits(wrapper.dtype, wrapper.shape, values, meta):
        return None
    return _row(name, wrapper.shape, values, meta, (name,))


def _row(
    name: str, shape: tuple[int, ...], values: Source, meta: Source, parts: tuple[str, ...]
) -> Row:
    return Row(
        name=name,
        weights=CutlassRows(dtype=values.dtype, shape=shape, parts=(values, meta)),
        form="packed",
        parts=parts,
        note="Packed 2:4 in the layout of torch's CUTLASS backend.",
    )


def _fits(dtype: DType, shape: tuple[int, ...], values: Source, meta: Source) -> bool:
    """Whether two inner tensors are values and metadata of a matrix of this shape."""
    rows, columns = shape
    size = dtype.itemsize
    words = columns // 8 if size == 4 else columns // (8 * _META_BYTES.get(size, 1))
    return (
        values.dtype == dtype
        and values.shape == (rows, columns // 2)
        and meta.dtype.itemsize == _META_BYTES.get(size)
        and meta.shape == (rows, words)
        and words > 0
    )


def _name_wrapper(desk: Desk, name: str, wrapper: Wrapper) -> None:
    """List a tensor subclass whose layout is not known by its largest inner tensor."""
    kind = wrapper.kind.rpartition(".")[2]
    inner = sorted(wrapper.inner.values(), key=lambda source: -source.bytes)
    if not inner:
        desk.left.pop(name)
        desk.say(f"{name} is a tensor subclass ({kind}) without data that can be read.")
        return
    if len(inner) == 1 and (inner[0].shape, inner[0].dtype) == (wrapper.shape, wrapper.dtype):
        # A DTensor on one rank, for one, is just its local tensor.
        desk.fold(Row(name=name, weights=inner[0], parts=(name,), note=f"Saved as a {kind}."))
        return
    shape = " x ".join(str(size) for size in wrapper.shape)
    note = f"A {kind} of {shape}, whose layout is private to its library: not judged."
    desk.say(f"Tensors of the class {kind} are listed and not judged: save them dense.")
    row = Row(name=name, weights=as_codes(inner[0]), form="quantised", parts=(name,), note=note)
    desk.fold(row, WRITER if "SemiStructured" in kind else "")
