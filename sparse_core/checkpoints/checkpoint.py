"""A checkpoint that is open: its listing, and ranges of its elements."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

import numpy as np
import numpy.typing as npt

from sparse_core.checkpoints import folder as folders
from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.beside import look_beside
from sparse_core.checkpoints.content import Content
from sparse_core.checkpoints.location import Location, location_of
from sparse_core.checkpoints.natural import natural_order
from sparse_core.checkpoints.rows import Row, TensorInfo, info_of
from sparse_core.checkpoints.stamp import stamp_of
from sparse_core.checkpoints.tree import Findings, Model, survey
from sparse_core.checkpoints.unreadable import Unreadable
from sparse_core.checkpoints.writers import Recognition, recognise
from sparse_core.dtypes import Raw
from sparse_core.errors import CheckpointError
from sparse_core.messages import CheckpointSummary, Container

ALL = "all"
"""The container that stands for every model, the further ones under their keys."""


def open_checkpoint(path: str | Location, container: str = "") -> "Checkpoint":
    """Open a checkpoint of any format; only its headers are read, and nothing in it is executed.

    Parameters
    ----------
    path : str, Path or RemotePath
        A safetensors, PyTorch or npz file, an index of shards, or a folder that holds one, a DCP
        folder included. The content decides, not the name. Also an address (``hf://``, ``s3://``)
        where the packages of the ``remote`` extra are installed.
    container : str
        Which model of a nested file: "" is the largest, a key of ``summary.containers`` that one,
        ``all`` every one, the further ones with their key as prefix (``ema/fc.weight``).

    Returns
    -------
    Checkpoint
        To be closed, or used as a context manager.

    Raises
    ------
    CheckpointError
        In one sentence: what is wrong with which file, and what to do.

    Examples
    --------
    >>> with open_checkpoint("model.safetensors") as checkpoint:  # doctest: +SKIP
    ...     rows = checkpoint.read("fc.weight", 0, 4096)
    """
    if not str(path):
        # An empty variable of a script would otherwise mean the current folder.
        raise CheckpointError("The path is empty: name a checkpoint.")
    if "\0" in str(path):
        raise CheckpointError("The path holds a zero byte, which no file has in its name.")
    path = location_of(path)
    stamp = stamp_of(path)
    try:
        content = folders.read(path) if path.is_dir() else folders.read_file(path)
        return Checkpoint(path, container, stamp, content)
    except Unreadable as error:
        raise CheckpointError(_one_line(f"{path} cannot be read: {error}")) from error
    except OSError as error:
        sentence = f"{path} cannot be opened: {error.strerror or error}."
        raise CheckpointError(_one_line(sentence)) from error


def _one_line(sentence: str) -> str:
    """Keep what a hostile file put into a sentence from breaking lines or driving a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in sentence)


class Checkpoint:
    """An open checkpoint. Made by `open_checkpoint`.

    Attributes
    ----------
    path : Path or RemotePath
        What the user named, absolute.
    format : str
        ``safetensors``, ``PyTorch zip``, ``PyTorch legacy``, ``DCP folder`` or ``npz``, and the
        number of shards where there are several.
    writer : str
        The tool whose marks it bears; "" where there are none.
    container : str
        Key of the listed model, or ``all``.
    metadata : mapping of str to str
        Of the header; `own` names our own keys.
    config : mapping
        ``config.json`` beside it, decoded; empty where there is none.
    files : tuple of Path or RemotePath
        Every file behind it.
    stamp : str
        `stamp_of` its path when it was opened.
    tensors : mapping of str to TensorInfo
        The chosen model in natural order.
    summary : CheckpointSummary
        All of it in numbers.
    """

    def __init__(self, path: Location, container: str, stamp: str, content: Content) -> None:
        findings = survey(content.tree)
        beside = look_beside(content.folder)
        chosen = _choose(findings, container)
        recognised = [recognise(model, findings, beside) for model in chosen]
        self._content = content
        self._rows = _named(chosen, recognised)
        self.path: Location = path
        self.format = content.format
        self.container = ALL if container == ALL else chosen[0].key
        self.writer = ", ".join(dict.fromkeys(one.writer for one in recognised if one.writer))
        self.metadata: Mapping[str, str] = MappingProxyType(dict(content.metadata))
        self.config: Mapping[str, object] = MappingProxyType(dict(beside.config))
        self.files = tuple(file.path for file in content.files)
        self.stamp = stamp
        self.tensors: Mapping[str, TensorInfo] = MappingProxyType(
            {name: info_of(row, name) for name, row in self._rows.items()}
        )
        self.summary = self._summarise(findings, chosen, recognised)

    def _summarise(
        self, findings: Findings, chosen: list[Model], recognised: list[Recognition]
    ) -> CheckpointSummary:
        folded = sum(one.folded for one in recognised)
        unchosen = sum(len(model.tensors) for model in findings.models if model not in chosen)
        infos = self.tensors.values()
        notes = [*self._content.notes, *(note for one in recognised for note in one.notes)]
        elements = sum(info.elements for info in infos)
        unique = unique_elements([row.weights for row in self._rows.values()])
        if unique < elements:
            notes.append(f"{elements - unique:,} elements are tied: listed twice, stored once.")
        notes.extend(f"{sentence}." for sentence in findings.unlisted[:5])
        return CheckpointSummary(
            path=str(self.path),
            format=self.format,
            writer=self.writer,
            containers=tuple(
                Container(model.key, len(model.tensors), model.elements)
                for model in findings.models
            ),
            tensors=len(self.tensors),
            elements=elements,
            unique_elements=unique,
            other_tensors=findings.others + unchosen + folded,
            bytes=sum(info.bytes for info in infos),
            metadata=tuple(self.metadata.items()),
            notes=tuple(notes),
        )

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Raw:
        """Elements ``start`` to ``stop`` of a tensor in row-major order.

        Parameters
        ----------
        name : str
            A key of `tensors`.
        start, stop : int
            Range of elements; ``stop`` None is the end.

        Returns
        -------
        numpy.ndarray
            Shape ``(stop - start,)``, the raw format of the tensor's DType, contiguous, aligned,
            and not to be written to: where the storage allows it lies in the mapped file.

        Raises
        ------
        ChangedError
            If a file behind it is no longer what it was.
        CheckpointError
            If the tensor does not exist or its bytes are damaged.
        """
        row = self._row(name)
        start, stop = self._range(row, start, stop)
        try:
            return row.weights.read(start, stop)
        except Unreadable as error:
            raise self._failed(f"{name} cannot be read: {error}") from error
        except OSError as error:
            raise self._failed(f"{name}: {error.strerror or error}.") from error

    def read_mask(
        self, name: str, start: int = 0, stop: int | None = None
    ) -> npt.NDArray[np.bool_] | None:
        """Mask bits of elements ``start`` to ``stop``, True = kept; None without a stored mask.

        Parameters and errors are those of `read`.
        """
        row = self._row(name)
        if row.mask is None:
            return None
        start, stop = self._range(row, start, stop)
        try:
            return row.mask.read(start, stop)
        except Unreadable as error:
            raise self._failed(f"the mask of {name} cannot be read: {error}") from error
        except OSError as error:
            raise self._failed(f"{name}: {error.strerror or error}.") from error

    def _failed(self, cause: str) -> CheckpointError:
        return CheckpointError(_one_line(f"{self.path}: {cause}"))

    def _row(self, name: str) -> Row:
        try:
            return self._rows[name]
        except KeyError:
            raise self._failed(f"there is no tensor {name!r} in it.") from None

    @staticmethod
    def _range(row: Row, start: int, stop: int | None) -> tuple[int, int]:
        end = row.weights.elements
        stop = end if stop is None else stop
        if not 0 <= start <= stop <= end:
            raise ValueError(f"elements {start} to {stop} of {end}")
        return start, stop

    def check_unchanged(self) -> None:
        """Raise if any file behind it is no longer what it was.

        `read` checks the files that it touches by itself.

        Raises
        ------
        ChangedError
            If one is gone, replaced, grown, truncated or rewritten.
        """
        for file in self._content.files:
            file.check()

    def local_files(self) -> tuple[Path, ...]:
        """Give the files behind it, for work that needs every byte of them.

        Raises
        ------
        CheckpointError
            If they are not on this machine.
        """
        found = tuple(path for path in self.files if isinstance(path, Path))
        if len(found) < len(self.files):
            raise self._failed("this needs every byte of it: download it first.")
        return found

    def close(self) -> None:
        """Drop the mappings. Arrays that were read stay valid; reading more raises."""
        for file in self._content.files:
            file.close()

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _choose(findings: Findings, container: str) -> list[Model]:
    """Give the models that are to be listed, the one with plain names first."""
    if container == ALL:
        return list(findings.models)
    if container == "":
        return [findings.models[0]]
    found = [model for model in findings.models if model.key == container]
    if not found:
        known = ", ".join(repr(model.key) for model in findings.models[:8])
        raise Unreadable(f"there is no container {container!r} in it; there are: {known}.")
    return found


def _named(chosen: list[Model], recognised: list[Recognition]) -> dict[str, Row]:
    """Rows by the name they are listed under: each model's in natural order."""
    rows: dict[str, Row] = {}
    for place, (model, one) in enumerate(zip(chosen, recognised, strict=True)):
        prefix = f"{model.key}/" if place else ""
        named = {f"{prefix}{row.name}": row for row in one.rows}
        if len(named) != len(one.rows) or not rows.keys().isdisjoint(named):
            raise Unreadable("two of its tensors would bear the same name.")
        rows.update((name, named[name]) for name in natural_order(named))
    return rows


def unique_elements(sources: list[Source]) -> int:
    """Count elements with those that lie at the same place counted once."""
    ordered = sorted((*source.place, source.reach, source.elements) for source in sources)
    total, region, end = 0, "", 0
    for key, begin, reach, elements in ordered:
        if key != region:
            region, end = key, 0
        if begin >= end:
            total += elements
        elif begin + reach > end:
            total += elements * (begin + reach - end) // reach
        end = max(end, begin + reach)
    return total
