"""When masks changed: the SAD of a run, step by step and layer by layer."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec

from sparse_core.checkpoints import open_checkpoint
from sparse_core.errors import RunError
from sparse_core.masks import PackedMask, layout_of, project
from sparse_core.patterns import NMPattern
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import Change, change, read_masks

Masks = Mapping[str, PackedMask]


class StepChange(msgspec.Struct, frozen=True, tag="change", rename={"from_": "from"}):
    """What changed in one layer between two steps; ``layer`` None is all of them together."""

    from_: int
    to: int
    step: int
    layer: str | None
    entries: int
    sad: int
    flip_rate: float
    births: int
    deaths: int


def run_changes(folder: RunFolder, pattern: NMPattern | None = None) -> Iterator[StepChange]:
    """Compare the masks of a run with those before them.

    Parameters
    ----------
    folder : RunFolder
    pattern : NMPattern, optional
        Look at the checkpoints, projected to it, instead of the masks that training wrote: also
        for a dense run.

    Yields
    ------
    StepChange
        One a layer, then the total, step after step.

    Raises
    ------
    RunError
        If there are fewer than two steps to compare.
    """
    steps = folder.steps(folder.masks if pattern is None else folder.checkpoints)
    if len(steps) < 2:
        raise RunError(f"{folder.root} has masks of {len(steps)} steps: nothing to compare.")
    before = _masks(folder, steps[0], pattern)
    for earlier, step in pairwise(steps):
        after = _masks(folder, step, pattern)
        yield from _compare(before, after, earlier, step)
        before = after


def _masks(folder: RunFolder, step: int, pattern: NMPattern | None) -> Masks:
    if pattern is None:
        return read_masks(folder.mask(step))
    masks = {}
    with open_checkpoint(folder.checkpoint(step)) as checkpoint:
        for name, info in checkpoint.tensors.items():
            if len(info.shape) < 2 or info.dtype.family != "float":
                continue
            layout = layout_of(info.shape, "conv" if len(info.shape) > 2 else "linear")
            if layout.group_count(pattern):
                masks[name] = project(checkpoint.read(name), info.dtype, layout, pattern)
    return masks


def _compare(before: Masks, after: Masks, earlier: int, step: int) -> Iterator[StepChange]:
    total = Change(0, 0, 0)
    for name, mask in after.items():
        old = before.get(name)
        if old is None or old.words.shape != mask.words.shape:
            continue
        one = change(old, mask)
        total += one
        yield _row(one, earlier, step, name)
    yield _row(total, earlier, step, None)


def _row(one: Change, earlier: int, step: int, layer: str | None) -> StepChange:
    return StepChange(
        earlier,
        step,
        step,
        layer,
        one.entries,
        one.sad,
        one.flip_rate,
        one.births,
        one.deaths,
    )
