"""Our own N:M form, see `sparse_core.packed.saved_nm`: unpacked into one row."""

from sparse_core.checkpoints.rows import Row
from sparse_core.checkpoints.unpacked import NMBlocks, whole
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.checkpoints.writers.desk import Desk
from sparse_core.packed import saved_nm
from sparse_core.packed.damaged import Damaged
from sparse_core.packed.saved_nm import PARTS, POSITIONS, SHAPE, TAIL, VALUES

WRITER = "Sparsescope"
_LONGEST = 64


def fold(desk: Desk) -> None:
    """Unpack every weight whose four parts are there."""
    for prefix in desk.named(VALUES):
        found = {part: desk.source(f"{prefix}{part}") for part in PARTS}
        values, positions, tail, numbers = (found[part] for part in PARTS)
        if values is None or positions is None or tail is None or numbers is None:
            continue
        formats = numbers.dtype.name, positions.dtype.name, tail.dtype
        if formats != ("int64", "uint8", values.dtype):
            continue
        if not saved_nm.enough_numbers(numbers.elements) or numbers.elements > _LONGEST:
            raise Unreadable("the nm_shape of a packed weight is too short or too long.")
        shapes = {VALUES: values.shape, POSITIONS: positions.shape, TAIL: tail.shape}
        try:
            header = saved_nm.header_of(whole(numbers).reshape(-1), shapes)
        except Damaged as error:
            raise Unreadable(f"a packed weight does not fit: {error}") from error
        weights = NMBlocks(
            dtype=values.dtype,
            shape=header.shape,
            parts=(values, positions, tail, numbers),
            header=header,
        )
        pattern = header.pattern
        desk.fold(
            Row(
                name=prefix.removesuffix("."),
                weights=weights,
                form="packed",
                parts=tuple(prefix + part for part in (VALUES, POSITIONS, TAIL, SHAPE)),
                note=f"Packed as {pattern} along {pattern.axis}.",
            ),
            WRITER,
        )
