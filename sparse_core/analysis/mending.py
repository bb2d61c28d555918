"""A copy of a checkpoint whose layers keep a pattern: plain weights with exact zeros.

What is repaired, or lay masked or packed, is written anew; every other tensor is copied bit for
bit, also where its number format is unknown here.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import numpy as np

from sparse_core.analysis.claims import LAYERS, claim_of
from sparse_core.analysis.measure import BLOCK_BYTES, mask_of
from sparse_core.analysis.repair import Repair, repair
from sparse_core.analysis.subject import Subject, subject_of
from sparse_core.checkpoints import Checkpoint, model_folder, own, safetensors_file, saving
from sparse_core.checkpoints.arrays import FileRegion
from sparse_core.checkpoints.files import SourceFile
from sparse_core.checkpoints.saving import Outgoing
from sparse_core.dtypes import Raw
from sparse_core.errors import SparseError
from sparse_core.masks import unpack
from sparse_core.messages import LayerReport, ScanOptions
from sparse_core.patterns import Axis, NMPattern

Tick = Callable[[int, str], None]
"""Called with the bytes and the name of what is about to be read; may raise ``Cancelled``."""


class Wanted(msgspec.Struct, frozen=True):
    """What is to be repaired.

    Attributes
    ----------
    pattern : str
        The bare ``N:M``.
    axis : str or None
        Where groups run; None takes what each layer is meant to have, else ``in``.
    layers : tuple of str
        Globs of prunable layers; empty takes those that are meant to have the pattern.
    """

    pattern: str
    axis: Axis | None = None
    layers: tuple[str, ...] = ()


class Mended(msgspec.Struct, frozen=True):
    """A layer that was repaired."""

    name: str
    pattern: NMPattern
    changes: Repair


class Outcome(msgspec.Struct, frozen=True):
    """What an export wrote.

    Attributes
    ----------
    target : Path
        A file, or a folder as the hub has them.
    bytes : int
        Of all weights files.
    mended : tuple of Mended
    plain : tuple of str
        Further tensors that lay masked, packed or latent and are plain now.
    left : tuple of str
        Files beside the weights that were not copied.
    """

    target: Path
    bytes: int
    mended: tuple[Mended, ...]
    plain: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Shard(msgspec.Struct, frozen=True, eq=False):
    """A file to be written."""

    name: str
    tensors: tuple[Outgoing, ...]
    metadata: Mapping[str, str]


def choose(
    checkpoint: Checkpoint, reports: Sequence[LayerReport], wanted: Wanted
) -> dict[str, NMPattern]:
    """Say which layers are repaired, and to what.

    Parameters
    ----------
    checkpoint : Checkpoint
    reports : sequence of LayerReport
        Its whole scan.
    wanted : Wanted

    Raises
    ------
    SparseError
        If a tensor could not be read, or no layer is meant.
    PatternError
        If the pattern does not exist.
    """
    chosen: dict[str, NMPattern] = {}
    for report in reports:
        if report.error:
            raise SparseError(report.error)
        axis = _axis(report, wanted)
        if axis is None:
            continue
        pattern = NMPattern.parse(wanted.pattern, axis)
        layout = subject_of(checkpoint, report.name, ScanOptions()).layout
        if layout.group_count(pattern):
            chosen[report.name] = pattern
    if not chosen:
        raise SparseError(_none_meant(checkpoint, wanted))
    return chosen


def export_repaired(
    checkpoint: Checkpoint, chosen: Mapping[str, NMPattern], target: Path, tick: Tick | None = None
) -> Outcome:
    """Write the copy: a file, or a folder where the checkpoint is one as the hub has them.

    Parameters
    ----------
    checkpoint : Checkpoint
    chosen : mapping of str to NMPattern
        Layers to repair, see ``choose``.
    target : Path
        Must not exist.
    tick : callable, optional

    Raises
    ------
    SparseError
        If it cannot be read or written; then nothing new is left behind.
    """
    return _Copy(checkpoint, chosen, tick).write(target)


class _Copy:
    """One export as it goes: what it repairs is counted as it is written."""

    def __init__(
        self, checkpoint: Checkpoint, chosen: Mapping[str, NMPattern], tick: Tick | None
    ) -> None:
        self._checkpoint = checkpoint
        self._files = checkpoint.local_files()
        self._chosen = chosen
        self._tick = tick
        self._mended: list[Mended] = []
        subjects = (subject_of(checkpoint, name, ScanOptions()) for name in checkpoint.tensors)
        self._anew = {one.name: one for one in subjects if one.name in chosen or _hidden(one)}

    def write(self, target: Path) -> Outcome:
        """Write everything."""
        weights, as_folder = _weights(self._checkpoint)
        home = self._files[0].parent
        saving.check_target(target, [*self._files, home])
        if not as_folder:
            (shard,) = self._shards(weights)
            return self._outcome(target, saving.save(target, shard.tensors, shard.metadata))
        if target.resolve().is_relative_to(home.resolve()):
            raise SparseError(f"{target} lies inside of what is being read: choose another place.")
        return self._write_folder(target, home, weights)

    def _write_folder(self, target: Path, home: Path, weights: Sequence[Path]) -> Outcome:
        """Write shards, index and what lies beside."""
        own_files = [*weights, *(file for file in self._files if file not in weights)]
        inside = frozenset(file.relative_to(home).as_posix() for file in own_files)
        beside = model_folder.beside(home, inside)
        written = 0
        with model_folder.whole_folder(target) as folder:
            model_folder.copy_beside(home, beside.copied, folder)
            self._say_plain(folder / model_folder.CONFIG)
            shards = [shard for shard in self._shards(weights) if shard.tensors]
            for shard in shards:
                with saving.disk_errors(target):
                    (folder / shard.name).parent.mkdir(parents=True, exist_ok=True)
                written += saving.save(folder / shard.name, shard.tensors, shard.metadata)
            self._write_index(folder, shards)
        return self._outcome(target, written, beside.left)

    def _write_index(self, folder: Path, shards: Sequence[Shard]) -> None:
        """Write the index, where there was one."""
        index = self._files[0]
        if not index.name.endswith(".index.json"):
            return
        places = {one.name: shard.name for shard in shards for one in shard.tensors}
        total = sum(one.bytes for shard in shards for one in shard.tensors)
        text = model_folder.index_text(index.read_bytes(), places, total)
        saving.write_whole(folder / model_folder.index_name(index.name), [text])

    def _say_plain(self, config: Path) -> None:
        """Tell loaders that nothing is packed any more."""
        packed = any(one.info.form == "packed" for one in self._anew.values())
        if packed and config.is_file():
            text = model_folder.config_of_plain(config.read_bytes())
            saving.write_whole(config, [text], replace=True)

    def _outcome(self, target: Path, written: int, left: tuple[str, ...] = ()) -> Outcome:
        """Say what was done, layers in the order of the listing."""
        order = {name: place for place, name in enumerate(self._checkpoint.tensors)}
        mended = sorted(self._mended, key=lambda one: order[one.name])
        plain = tuple(name for name in self._anew if name not in self._chosen)
        return Outcome(target, written, tuple(mended), plain, left)

    def _shards(self, weights: Sequence[Path]) -> list[Shard]:
        """Plan every file."""
        if self._checkpoint.format.startswith(safetensors_file.FORMAT):
            return self._safetensors(weights)
        return self._other_formats(weights)

    def _safetensors(self, weights: Sequence[Path]) -> list[Shard]:
        """Take the headers as they stand, and put plain weights in the place of their parts."""
        home = self._files[0].parent
        owners = {part: name for name, one in self._anew.items() for part in _parts(one)}
        waiting = set(self._anew)
        shards = []
        for path in weights:
            table = safetensors_file.read_table(SourceFile(path))
            tensors = []
            entries = sorted(table.entries.items(), key=lambda item: item[1].data_offsets)
            for stored, entry in entries:
                name = owners.get(stored)
                if name is None:
                    tensors.append(self._untouched(stored, entry, table.region))
                elif name in waiting:
                    waiting.remove(name)
                    tensors.append(self._plain(name))
            metadata = self._metadata(table.metadata)
            shards.append(Shard(path.relative_to(home).as_posix(), tuple(tensors), metadata))
        return shards

    def _other_formats(self, weights: Sequence[Path]) -> list[Shard]:
        """Write the listed tensors, each into the shard that takes the place of its own."""
        places = _weight_map(self._checkpoint)
        names = [model_folder.shard_name(path.name) for path in weights]
        tensors: dict[str, list[Outgoing]] = {name: [] for name in names}
        for name, info in self._checkpoint.tensors.items():
            if info.quantised and len(info.stored_as) > 1:
                raise SparseError(
                    f"{name} lies quantised in {len(info.stored_as)} parts: save the model as "
                    "safetensors first."
                )
            stored = info.stored_as[0] if info.stored_as else name
            shard = model_folder.shard_name(places[stored]) if stored in places else names[0]
            tensors[shard].append(self._plain(name))
        metadata = self._metadata({"format": "pt", **self._checkpoint.metadata})
        return [Shard(name, tuple(tensors[name]), metadata) for name in names]

    def _untouched(
        self, stored: str, entry: safetensors_file.Entry, region: FileRegion
    ) -> Outgoing:
        """Copy a tensor as it lies in the file."""
        begin, end = entry.data_offsets

        def chunks() -> Iterator[Raw]:
            for start in range(begin, end, BLOCK_BYTES):
                stop = min(start + BLOCK_BYTES, end)
                self._count(stop - start, stored)
                yield region.fetch(start, stop)

        return Outgoing(stored, entry.dtype, entry.shape, end - begin, chunks)

    def _plain(self, name: str) -> Outgoing:
        """Write a tensor under its plain name, as the network uses it."""
        info = self._checkpoint.tensors[name]
        size = info.elements * info.dtype.itemsize
        block = max(BLOCK_BYTES // info.dtype.itemsize, 1)

        def chunks() -> Iterator[Raw]:
            if name in self._anew:
                self._count(size, name)
                yield self._weight(self._anew[name])
                return
            for start in range(0, info.elements, block):
                stop = min(start + block, info.elements)
                self._count((stop - start) * info.dtype.itemsize, name)
                yield self._checkpoint.read(name, start, stop)

        return Outgoing(name, info.dtype.code, info.shape, size, chunks)

    def _weight(self, subject: Subject) -> Raw:
        """Give a whole weight with exact zeros, repaired where it is to be."""
        raw = effective(self._checkpoint, subject)
        pattern = self._chosen.get(subject.name)
        if pattern is None:
            return raw
        raw, changes = repair(raw, subject.info.dtype, subject.layout, pattern)
        self._mended.append(Mended(subject.name, pattern, changes))
        return raw

    def _metadata(self, old: Mapping[str, str]) -> dict[str, str]:
        """Say what the weights are now: no longer latent, and of which pattern."""
        words = {key: text for key, text in old.items() if key != own.RULE}
        patterns = set(self._chosen.values())
        if len(patterns) != 1:
            return words
        pattern = patterns.pop()
        before = claim_of(words, {})
        listed = set(self._chosen)
        if before.pattern == pattern:
            if before.layers is None:
                return words
            listed |= set(before.layers)
        layers = json.dumps(sorted(listed))
        return words | {own.PATTERN: str(pattern), own.AXIS: pattern.axis, LAYERS: layers}

    def _count(self, size: int, name: str) -> None:
        """Say what is about to be read."""
        if self._tick is not None:
            self._tick(size, name)


def effective(checkpoint: Checkpoint, subject: Subject) -> Raw:
    """Read a weight as the network uses it: what its rule prunes is +0.

    Returns
    -------
    ndarray, ``(elements,)``
        The mapped file itself where nothing is pruned by rule.
    """
    raw = checkpoint.read(subject.name)
    if subject.rule == "zeros" or not _hidden(subject):
        return raw
    kept = unpack(mask_of(checkpoint, subject.name, ScanOptions())).reshape(-1)
    return np.where(kept, raw, np.zeros(1, raw.dtype))


def _hidden(subject: Subject) -> bool:
    """Say whether its zeros do not stand in the file as zeros."""
    return subject.rule == "projected" or subject.info.form in ("masked", "packed")


def _parts(subject: Subject) -> tuple[str, ...]:
    """Name the stored tensors of a weight."""
    return subject.info.stored_as or (subject.name,)


def _axis(report: LayerReport, wanted: Wanted) -> Axis | None:
    """Give the axis along which a layer is repaired; None leaves it alone."""
    meant = report.meant == wanted.pattern
    along: Axis = "in"
    for known in ("out", "kernel"):
        if meant and report.meant_axis == known:
            along = known
    if wanted.layers:
        named = any(fnmatchcase(report.name, glob) for glob in wanted.layers)
        return (wanted.axis or along) if named and report.class_ != "other" else None
    return along if meant and wanted.axis in (None, along) else None


def _none_meant(checkpoint: Checkpoint, wanted: Wanted) -> str:
    """Say that there is nothing to repair."""
    if wanted.layers:
        globs = " ".join(wanted.layers)
        return f"{checkpoint.path}: no prunable layer with groups of {wanted.pattern} is {globs}."
    along = f" along {wanted.axis}" if wanted.axis else ""
    return (
        f"{checkpoint.path}: no layer is meant to be {wanted.pattern}{along}: "
        "name those to repair with --layers GLOB."
    )


def _weights(checkpoint: Checkpoint) -> tuple[tuple[Path, ...], bool]:
    """Give the files that hold weights, and whether the copy is a folder."""
    first, *shards = checkpoint.local_files()
    if first.name.endswith(".index.json"):
        return tuple(shards), True
    distributed = checkpoint.format.startswith("DCP")
    return (first,), checkpoint.path.is_dir() and not distributed


def _weight_map(checkpoint: Checkpoint) -> Mapping[str, str]:
    """Read which shard holds which tensor; empty without an index."""
    index = checkpoint.files[0]
    if not index.name.endswith(".index.json"):
        return {}
    weight_map: dict[str, str] = json.loads(index.read_bytes())["weight_map"]
    return weight_map
