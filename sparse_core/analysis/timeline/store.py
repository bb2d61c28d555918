"""Masks of checkpoints in the analysis cache, mapped when they are wanted again.

An entry is found by path, ``stat`` and options alone: to open forty checkpoints only to hash
their headers would take longer than everything else that a known series costs.
"""

import hashlib
import mmap
import os
from collections.abc import Sequence

import msgspec
import numpy as np

from sparse_core.analysis import cache
from sparse_core.analysis.timeline.margin import Margin
from sparse_core.analysis.timeline.snapshot import LayerMask, Masks
from sparse_core.checkpoints.series import Member
from sparse_core.masks import Layout, PackedMask
from sparse_core.masks.packed import LAYOUT_VERSION
from sparse_core.messages.timeline import TimelineOptions
from sparse_core.native.kernels import Words, words_a_row
from sparse_core.version import VERSION

MASKS = ".masks"
_MAGIC = b"sparsescope-step"
_HEAD = len(_MAGIC) + 8


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """Where the mask of one layer lies, counted in words, and the sum of its words."""

    name: str
    layout: Layout
    rule: str
    pattern: str
    low: float
    median: float
    first: int
    check: int


class _Header(msgspec.Struct, frozen=True, array_like=True):
    """What an entry of the cache begins with."""

    version: int
    entries: tuple[_Entry, ...]


def key_of(members: Sequence[Member], options: TimelineOptions, *extra: object) -> str:
    """Name what belongs to some checkpoints under some options."""
    places = [
        (os.fsencode(os.path.realpath(one.path)), one.step, one.name, one.stamp) for one in members
    ]
    parts = (places, msgspec.structs.replace(options, cache=True), extra, VERSION)
    return hashlib.blake2b(msgspec.msgpack.encode(parts), digest_size=20).hexdigest()


def mask_key(member: Member, options: TimelineOptions) -> str:
    """Name the masks of one checkpoint: neither its step nor what it is compared with matters."""
    bare = msgspec.structs.replace(options, reference="", epsilon=0.0)
    return key_of([msgspec.structs.replace(member, step=0, name="")], bare)


def keep_masks(key: str, masks: Masks) -> None:
    """Keep the masks of a checkpoint."""
    entries, first = [], 0
    for name, one in masks.items():
        words = one.mask.words
        margin = (one.margin.low, one.margin.median)
        facts = (name, one.mask.layout, one.rule, one.pattern)
        entries.append(_Entry(*facts, *margin, first, _check(words)))
        first += words.size
    header = msgspec.msgpack.encode(_Header(LAYOUT_VERSION, tuple(entries)))
    head = _MAGIC + len(header).to_bytes(8, "little")
    filling = bytes(-len(header) % 8)
    bodies = (one.mask.words.data.cast("B") for one in masks.values() if one.mask.words.size)
    cache.keep(key, MASKS, (head, header, filling, *bodies))


def find_masks(key: str, only: str | None = None) -> Masks | None:
    """Give the kept masks of a checkpoint, or of one layer of it, mapped.

    None where there are none, or damaged ones.
    """
    path = cache.entry(key, MASKS)
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError):
        return None
    masks = _decoded(data, only)
    cache.used(path, whole=masks is not None)
    return masks


def _decoded(data: memoryview, only: str | None) -> Masks | None:
    """Read an entry, or one layer of it."""
    end = _HEAD + int.from_bytes(data[len(_MAGIC) : _HEAD], "little")
    if bytes(data[: len(_MAGIC)]) != _MAGIC or end > len(data) or len(data) % 8:
        return None
    try:
        header = msgspec.msgpack.decode(data[_HEAD:end], type=_Header)
    except msgspec.DecodeError:
        return None
    words = np.frombuffer(data[end + -end % 8 :], np.uint64)
    masks: dict[str, LayerMask] = {}
    for one in header.entries:
        if only not in (None, one.name):
            continue
        shape = (one.layout.rows, words_a_row(one.layout.columns))
        mine = words[one.first : one.first + shape[0] * shape[1]]
        if mine.size != shape[0] * shape[1] or _check(mine) != one.check:
            return None
        mask = PackedMask(mine.reshape(shape), one.layout)
        masks[one.name] = LayerMask(mask, one.rule, one.pattern, Margin(one.low, one.median))
    return masks if header.version == LAYOUT_VERSION else None


def _check(words: Words) -> int:
    """Add up words: what tells a damaged mask at the speed of memory."""
    return int(words.sum(dtype=np.uint64))
