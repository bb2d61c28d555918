"""Plain weights with exact zeros, as any tool loads them."""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from sparse_core.analysis.claims import LAYERS, claim_of
from sparse_core.analysis.kinds import PRUNABLE_KINDS
from sparse_core.analysis.measure import mask_of
from sparse_core.analysis.subject import subject_of
from sparse_core.checkpoints import Checkpoint, open_checkpoint, own
from sparse_core.errors import RunError
from sparse_core.masks import layout_of, unpack
from sparse_core.messages import ScanOptions
from sparse_core.patterns import NMPattern
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.tensors import write_tensors
from sparse_core.training.methods.ste import SOFT
from sparse_core.training.projection import nm_mask, soft_threshold
from sparse_core.training.stored import read_tensor, stored
from sparse_core.training.weights import NOTES

State = dict[str, Tensor]


class Exported(msgspec.Struct, frozen=True):
    """What an export holds: weights as the network uses them, and words about them.

    ``sources`` are the checkpoints it was made from, ``projected`` the layers that were projected.
    """

    state: State
    words: dict[str, str]
    sources: tuple[Path, ...]
    projected: tuple[str, ...]


class Wanted(msgspec.Struct, frozen=True):
    """How an export is to be.

    Attributes
    ----------
    pattern : NMPattern or None
        Project the layers to it; None takes what the checkpoint says of itself.
    layers : tuple of str
        Globs of the layers to project; empty takes those that the checkpoint names, else every
        prunable one with whole groups.
    average : int
        How many of a run's last checkpoints are averaged, as they are used. The average of valid
        masks need not be valid: give a pattern to project it again.
    """

    pattern: NMPattern | None = None
    layers: tuple[str, ...] = ()
    average: int = 1


def gather(source: Path, wanted: Wanted) -> Exported:
    """Read and, where asked or told, project.

    Parameters
    ----------
    source : Path
        A run folder, whose last checkpoint is taken, or a checkpoint of any tool.
    wanted : Wanted

    Raises
    ------
    RunError
        If a run has fewer checkpoints than are to be averaged, or nothing fits the pattern.
    CheckpointError
        If a checkpoint cannot be read.
    """
    sources = checkpoints_of(source, wanted.average)
    if len(sources) == 1:
        return _read(sources[0], wanted)
    unprojected = Wanted()
    parts = [_read(path, unprojected) for path in sources]
    mean = average([part.state for part in parts])
    words = parts[-1].words
    if wanted.pattern is None:
        return Exported(mean, words, sources, parts[-1].projected)
    projected = _project_again(mean, wanted.pattern, words, parts[-1].projected)
    return Exported(projected, _with_pattern(words, wanted.pattern), sources, parts[-1].projected)


def checkpoints_of(source: Path, count: int) -> tuple[Path, ...]:
    """Give the last checkpoints of a run, oldest first; of a checkpoint itself."""
    folder = RunFolder(source)
    if not folder.config.is_file():
        if count > 1:
            raise RunError(f"{source} is no run: only a run's checkpoints can be averaged.")
        return (source,)
    steps = folder.steps(folder.checkpoints)
    trained = [step for step in steps if step > 0] or steps
    if len(trained) < count or not trained:
        raise RunError(f"{source} has {len(trained)} checkpoints to average, not {count}.")
    return tuple(folder.checkpoint(step) for step in trained[-count:])


def average(states: Sequence[Mapping[str, Tensor]]) -> State:
    """Average floating point tensors in fp64; of others the last is taken.

    Raises
    ------
    RunError
        If they do not hold the same tensors.
    """
    last = states[-1]
    mean: State = {}
    for name, tensor in last.items():
        parts = [state.get(name) for state in states]
        if any(part is None or part.shape != tensor.shape for part in parts):
            raise RunError(f"The checkpoints differ in {name}: they cannot be averaged.")
        if tensor.is_floating_point():
            doubles = [part.double() for part in parts if part is not None]
            mean[name] = torch.stack(doubles).mean(dim=0).to(tensor.dtype)
        else:
            mean[name] = tensor
    return mean


def write(exported: Exported, out: Path) -> int:
    """Write an export; returns its bytes.

    Raises
    ------
    RunError
        If the file exists already.
    """
    if out.exists():
        raise RunError(f"{out} exists already: an export overwrites nothing.")
    out.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: stored(tensor) for name, tensor in exported.state.items()}
    return write_tensors(out, tensors, exported.words)


def _read(path: Path, wanted: Wanted) -> Exported:
    with open_checkpoint(path) as checkpoint:
        words = _words(checkpoint)
        options = _options(words, wanted)
        chosen = _chosen(checkpoint, wanted, options, words)
        betas = json.loads(words.get(SOFT, "{}"))
        state = {}
        for name in checkpoint.tensors:
            tensor = read_tensor(checkpoint, name)
            if name in betas and wanted.pattern is None:
                tensor = _soften(tensor, betas[name], words)
            elif name in chosen:
                mask = torch.from_numpy(unpack(mask_of(checkpoint, name, options)))
                tensor = torch.where(mask.reshape(tensor.shape), tensor, torch.zeros_like(tensor))
            state[name] = tensor
        if wanted.pattern is not None:
            words = _with_pattern(words, wanted.pattern) | {LAYERS: json.dumps(chosen)}
        words = {key: text for key, text in words.items() if key not in (own.RULE, SOFT)}
        return Exported(state, words, (path,), tuple(chosen))


def _words(checkpoint: Checkpoint) -> dict[str, str]:
    """Give our own metadata of a checkpoint; a distributed one has them in a file beside."""
    words = dict(checkpoint.metadata)
    notes = checkpoint.path / NOTES
    if notes.is_file():
        words |= json.loads(notes.read_text(encoding="utf-8"))
    return {key: text for key, text in words.items() if key.startswith("sparsescope.")}


def _options(words: Mapping[str, str], wanted: Wanted) -> ScanOptions:
    claim = claim_of(words, {})
    pattern = wanted.pattern or (claim.pattern if claim.latent else None)
    if pattern is None:
        return ScanOptions()
    return ScanOptions(rule="projected", pattern=str(pattern), axis=pattern.axis)


def _chosen(
    checkpoint: Checkpoint, wanted: Wanted, options: ScanOptions, words: Mapping[str, str]
) -> list[str]:
    """List the layers to project."""
    claim = claim_of(words, {})
    if options.pattern is None:
        return []
    chosen = []
    for name in checkpoint.tensors:
        subject = subject_of(checkpoint, name, options)
        if subject.kind.name not in PRUNABLE_KINDS or not subject.prunable:
            continue
        if wanted.layers:
            meant = any(fnmatchcase(name, glob) for glob in wanted.layers)
        else:
            meant = claim.lists(name) is not False
        if meant:
            chosen.append(name)
    if not chosen:
        raise RunError(f"{checkpoint.path}: no layer fits {options.pattern} along {options.axis}.")
    return chosen


def _project_again(
    mean: State, pattern: NMPattern, words: Mapping[str, str], names: Sequence[str]
) -> State:
    """Project an average, which is no longer what its parts were."""
    listed = json.loads(words.get(LAYERS, "null")) or names
    projected = dict(mean)
    for name in listed:
        tensor = mean[name]
        layout = layout_of(tuple(tensor.shape), "conv" if tensor.ndim > 2 else "linear")
        projected[name] = tensor * nm_mask(tensor, layout, pattern)
    return projected


def _with_pattern(words: Mapping[str, str], pattern: NMPattern) -> dict[str, str]:
    return {**words, own.PATTERN: str(pattern), own.AXIS: pattern.axis}


def _soften(weight: Tensor, beta: float, words: Mapping[str, str]) -> Tensor:
    """Give S-STE's projection of a latent weight."""
    pattern = claim_of(words, {}).pattern or NMPattern(2, 4)
    layout = layout_of(tuple(weight.shape), "conv" if weight.ndim > 2 else "linear")
    return soft_threshold(weight, layout, pattern) * beta
