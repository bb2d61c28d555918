"""The kernels in numpy. The C++ extension gives the same bits, only sooner."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sparse_core.native.kernels import (
    BFLOAT16,
    BLOCK,
    FLOAT16,
    Bits,
    Bytes,
    Counts,
    Singles,
    Words,
    partials,
    words_a_row,
)

PIECE = 1 << 17
"""Elements a pass handles at once, so that its scratch arrays stay in the cache."""


def _rows(size: int, columns: int, what: str) -> int:
    """Divide ``size`` elements into rows.

    Raises
    ------
    ValueError
        If they do not fill whole rows.
    """
    if columns < 0 or (size and (not columns or size % columns)):
        raise ValueError(f"{size} {what} do not fill rows of {columns}")
    return size // columns if columns else 0


def _require(array: npt.NDArray[np.generic], size: int, what: str) -> None:
    """Raise ValueError unless ``array`` is contiguous and holds ``size`` elements."""
    if array.size != size or not array.flags.c_contiguous:
        raise ValueError(f"{what}: {size} contiguous elements wanted, {array.size} given")


def _matrix(words: Words, columns: int) -> Words:
    """Return words as ``(rows, words_a_row)``."""
    width = words_a_row(columns)
    return words.reshape(_rows(words.size, width, "words"), width)


def _group(m: int) -> None:
    """Raise ValueError unless ``m`` is a group size."""
    if not 1 <= m <= 64:
        raise ValueError(f"groups of {m}: 1 to 64 wanted")


def _pack_flags(flags: npt.NDArray[np.bool_], columns: int, out: Words) -> None:
    """Pack booleans of whole rows."""
    if columns % 64 == 0:
        out.reshape(-1).view(np.uint8)[:] = np.packbits(flags, bitorder="little")
        return
    rows = _matrix(out, columns).view(np.uint8)
    width = (columns + 7) // 8
    rows[:, :width] = np.packbits(flags.reshape(-1, columns), axis=1, bitorder="little")
    rows[:, width:] = 0


def pack_nonzero(bits: Bits, mask: int, columns: int, out: Words) -> None:
    """Pack ``(bits & mask) != 0``; see Kernels."""
    rows = _rows(bits.size, columns, "elements")
    _require(out, rows * words_a_row(columns), "out")
    if not rows:
        return
    step = max(1, PIECE // columns)
    words = _matrix(out, columns)
    full = mask == np.iinfo(bits.dtype).max
    for row in range(0, rows, step):
        piece = bits[row * columns : (row + step) * columns]
        flags = (piece if full else piece & piece.dtype.type(mask)) != 0
        _pack_flags(flags, columns, words[row : row + step])


def unpack(words: Words, columns: int, out: Bytes) -> None:
    """Write one byte for each bit; see Kernels."""
    matrix = _matrix(words, columns)
    _require(out, matrix.shape[0] * columns, "out")
    flags = np.unpackbits(matrix.view(np.uint8), axis=1, count=columns, bitorder="little")
    out.reshape(-1)[:] = flags.reshape(-1)


def _word_groups(matrix: Words, m: int) -> Bytes:
    """Count groups of ``m``, a divisor of 64, in padded rows."""
    if m >= 8:
        counts: Bytes = np.bitwise_count(matrix.view(f"<u{m // 8}"))
        return counts
    data = matrix.view(np.uint8)
    parts = [np.bitwise_count((data >> shift) & (2**m - 1)) for shift in range(0, 8, m)]
    return np.stack(parts, axis=-1).reshape(matrix.shape[0], -1)


def row_group_counts(words: Words, columns: int, m: int, out: Bytes) -> None:
    """Count groups along rows; see Kernels."""
    _group(m)
    matrix = _matrix(words, columns)
    rows, groups = matrix.shape[0], columns // m
    _require(out, rows * groups, "out")
    if not out.size:
        return
    target = out.reshape(rows, groups)
    if 64 % m == 0:
        target[:] = _word_groups(matrix, m)[:, :groups]
        return
    flags = np.unpackbits(matrix.view(np.uint8), axis=1, count=groups * m, bitorder="little")
    np.add.reduce(flags.reshape(rows, groups, m), axis=2, dtype=np.uint8, out=target)


def _planes(groups: Words) -> list[Words]:
    """Add the words of axis 1 bit by bit: plane p holds bit p of every column's count."""
    planes: list[Words] = []
    for index in range(groups.shape[1]):
        carry = groups[:, index]
        for p, plane in enumerate(planes):
            planes[p], carry = plane ^ carry, plane & carry
        if (index + 1).bit_length() > len(planes):
            planes.append(carry)
    return planes


def _row_groups(words: Words, columns: int, m: int) -> Words:
    """Return the words of whole groups of rows as ``(groups, m, words_a_row)``."""
    _group(m)
    matrix = _matrix(words, columns)
    groups = matrix.shape[0] // m
    return matrix[: groups * m].reshape(groups, m, matrix.shape[1])


def column_group_counts(words: Words, columns: int, m: int, out: Bytes) -> None:
    """Count groups across rows; see Kernels."""
    groups = _row_groups(words, columns, m)
    _require(out, groups.shape[0] * columns, "out")
    if not out.size:
        return
    target = out.reshape(groups.shape[0], columns)
    target[:] = 0
    for p, plane in enumerate(_planes(groups)):
        data = np.ascontiguousarray(plane).view(np.uint8)
        flags = np.unpackbits(data, axis=1, count=columns, bitorder="little")
        target += flags << p


def row_histogram(words: Words, columns: int, m: int, out: Counts) -> None:
    """Count groups along rows by how many bits they hold; see Kernels."""
    _group(m)
    _require(out, m + 1, "out")
    rows, groups = _matrix(words, columns).shape[0], columns // m
    step = max(1, PIECE * 8 // max(columns, 1))
    matrix = _matrix(words, columns)
    for row in range(0, rows if groups else 0, step):
        piece = matrix[row : row + step]
        counts = np.empty(piece.shape[0] * groups, np.uint8)
        row_group_counts(np.ascontiguousarray(piece), columns, m, counts)
        out += np.bincount(counts, minlength=m + 1)


def _leaves(planes: list[Words], chosen: Words) -> Iterator[int]:
    """Count the columns that hold 0, 1, 2, ... bits, among the chosen ones."""
    if not planes:
        yield int(np.bitwise_count(chosen).sum(dtype=np.int64))
        return
    yield from _leaves(planes[:-1], chosen & ~planes[-1])
    yield from _leaves(planes[:-1], chosen & planes[-1])


def column_histogram(words: Words, columns: int, m: int, out: Counts) -> None:
    """Count groups across rows by how many bits they hold; see Kernels."""
    groups = _row_groups(words, columns, m)
    _require(out, m + 1, "out")
    if not groups.size:
        return
    everything = np.full(groups.shape[2], 2**64 - 1, np.uint64)
    if columns % 64:
        everything[-1] = 2 ** (columns % 64) - 1
    step = max(1, PIECE // groups.shape[2])
    for start in range(0, groups.shape[0], step):
        planes = _planes(groups[start : start + step])
        chosen = np.broadcast_to(everything, planes[0].shape)
        for k, count in zip(range(m + 1), _leaves(planes, chosen), strict=False):
            out[k] += count


def regroup(words: Words, columns: int, length: int, inner: int, out: Words) -> None:
    """Move the middle dimension of each row last; see Kernels."""
    matrix = _matrix(words, columns)
    rows, stride = matrix.shape[0], length * inner
    outer = _rows(columns, stride, "columns")
    _require(out, rows * outer * inner * words_a_row(length), "out")
    if not out.size:
        return
    flags = np.unpackbits(matrix.view(np.uint8), axis=1, count=columns, bitorder="little")
    moved = flags.reshape(rows * outer, length, inner).swapaxes(1, 2)
    _pack_flags(np.ascontiguousarray(moved).view(np.bool_).reshape(-1), length, out)


def _values(bits: Bits, form: int) -> Iterator[tuple[int, Singles]]:
    """Give fp32 values in the order of the partial sums, with the first partial's number."""
    step = PIECE
    half = partials(bits.size, form) // 2
    for start in range(0, bits.size, step):
        piece = bits[start : start + step]
        if form == BFLOAT16:
            if piece.size % 2:
                piece = np.append(piece, np.zeros(1, piece.dtype))
            pairs = piece.view(np.uint32)
            first = start // (2 * BLOCK)
            yield first, (pairs << np.uint32(16)).view(np.float32)
            yield half + first, (pairs & np.uint32(0xFFFF0000)).view(np.float32)
        elif form == FLOAT16:
            yield start // BLOCK, piece.view(np.float16).astype(np.float32)
        else:
            yield start // BLOCK, piece.view(np.float32)


def _sum_blocks(values: Singles, out: Singles) -> int:
    """Sum blocks of 128; the last is filled up with zeros, which change no sum."""
    whole = values.size // BLOCK
    np.add.reduce(values[: whole * BLOCK].reshape(whole, BLOCK), axis=1, out=out[:whole])
    if values.size % BLOCK:
        tail = np.zeros(BLOCK, np.float32)
        tail[: values.size % BLOCK] = values[whole * BLOCK :]
        out[whole] = np.add.reduce(tail)
        whole += 1
    return whole


def _extremes(bits: Bits, form: int) -> tuple[float, float]:
    """Find minimum and maximum by comparing bits as integers.

    As signed integers the positive numbers are in order; as unsigned ones the most negative
    number is the largest.
    """
    signed = bits.view(f"<i{bits.itemsize}")
    high, low = int(signed.max()), int(bits.max())
    if high < 0:
        high = int(bits.min())
    if low >> (8 * bits.itemsize - 1) == 0:
        low = int(signed.min())
    pair = np.array([low, high], bits.dtype)
    value = np.concatenate([next(_values(pair[i : i + 1], form))[1][:1] for i in (0, 1)])
    return float(value[0]) + 0.0, float(value[1]) + 0.0


def scan_floats(  # noqa: PLR0913
    bits: Bits,
    form: int,
    columns: int,
    limit: int,
    out: Words,
    sums: Singles,
    squares: Singles,
) -> tuple[int, int, float, float]:
    """Pack, count and sum; see Kernels."""
    if bits.itemsize != (2 if form in (BFLOAT16, FLOAT16) else 4):
        raise ValueError(f"elements of {bits.itemsize} bytes are not of this format")
    rows = _rows(bits.size, columns, "elements")
    _require(out, rows * words_a_row(columns), "out")
    _require(sums, partials(bits.size, form), "sums")
    _require(squares, partials(bits.size, form), "squares")
    if not bits.size:
        return 0, 0, 0.0, 0.0
    magnitude = (1 << (8 * bits.itemsize - 1)) - 1
    pack_nonzero(bits, magnitude, columns, out)
    nonzero = int(np.bitwise_count(out).sum(dtype=np.int64))
    near = _near(bits, limit)
    with np.errstate(all="ignore"):
        for first, values in _values(bits, form):
            _sum_blocks(values, sums[first:])
            _sum_blocks(values * values, squares[first:])
        return nonzero, near, *_extremes(bits, form)


def _near(bits: Bits, limit: int) -> int:
    """Count non-zeros whose magnitude bits are below ``limit``."""
    if limit <= 1:
        return 0
    one, total = bits.dtype.type(1), 0
    bound = bits.dtype.type(2 * limit - 2)
    for start in range(0, bits.size, PIECE):
        piece = bits[start : start + PIECE] << one
        # Subtracting wraps zero around to the largest number, which is never near.
        np.subtract(piece, bits.dtype.type(2), out=piece)
        total += int(np.count_nonzero(piece < bound))
    return total


def histogram(bits: Bytes, out: Counts) -> None:
    """Count byte values; see Kernels."""
    _require(out, 256, "out")
    for start in range(0, bits.size, PIECE):
        out += np.bincount(bits[start : start + PIECE], minlength=256)


def _kept(ranks: Bits, n: int) -> npt.NDArray[np.bool_]:
    """Say which of the ranks ``(m, groups)`` are among the ``n`` largest of their group."""
    m = ranks.shape[0]
    beaten = np.empty(ranks.shape, np.uint8)
    beaten[:] = np.arange(m - 1, -1, -1, dtype=np.uint8)[:, None]
    for i in range(m - 1):
        wins = (ranks[i] > ranks[i + 1 :]).view(np.uint8)
        beaten[i + 1 :] += wins
        beaten[i] -= np.add.reduce(wins, axis=0, dtype=np.uint8)
    kept: npt.NDArray[np.bool_] = beaten < n
    return kept


def project(  # noqa: PLR0913
    bits: Bits,
    mask: int,
    ceiling: int,
    shape: tuple[int, int, int],
    n: int,
    m: int,
    out: Bytes,
) -> None:
    """Keep the n largest of every m; see Kernels."""
    _group(m)
    if not 1 <= n <= m:
        raise ValueError(f"{n} of {m} cannot be kept")
    outer, length, inner = shape
    if min(shape) < 0 or bits.size != outer * length * inner:
        raise ValueError(f"{bits.size} elements are not of shape {shape}")
    _require(out, bits.size, "out")
    groups = length // m
    target = out.reshape(shape)
    target[:, groups * m :] = 1
    if not groups or not bits.size:
        return
    kind = bits.dtype.type
    step = max(1, PIECE // (length * inner))
    for start in range(0, outer, step):
        piece = bits.reshape(shape)[start : start + step, : groups * m]
        ranks = np.minimum(piece & kind(mask), kind(ceiling))
        split = (-1, groups, m, inner)
        order = np.ascontiguousarray(ranks.reshape(split).transpose(2, 0, 1, 3))
        kept = _kept(order.reshape(m, -1), n).reshape(order.shape).transpose(1, 2, 0, 3)
        target[start : start + step, : groups * m] = kept.reshape(-1, groups * m, inner)
