"""What sparsity costs: measured, layer by layer and sparsity by sparsity."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import torch
from torch import Tensor

from sparse_core.errors import RunError
from sparse_core.patterns import NMPattern
from sparse_core.training.efficiency import slack
from sparse_core.training.measure import Figures
from sparse_core.training.policy import Candidate
from sparse_core.training.projection import nm_mask
from sparse_core.training.rank import keep_largest, keep_largest_together
from sparse_core.training.subject import Subject

BATCH = 256


class Row(msgspec.Struct, frozen=True, rename={"type_": "type"}, omit_defaults=True):
    """One measurement.

    ``type`` is evaluation, sensitivity, point or slack; what does not belong to it is left out.
    Deviations are over examples. ``loss_increase`` and ``metric_drop`` are against the stored
    weights, measured in the same call.
    """

    type_: str
    weights: str = ""
    layer: str = ""
    criterion: str = ""
    pattern: str = ""
    sparsity: float | None = None
    entries: int = 0
    kept: int = 0
    examples: int = 0
    loss: float | None = None
    loss_sd: float | None = None
    metric: float | None = None
    metric_sd: float | None = None
    loss_increase: float | None = None
    metric_drop: float | None = None
    slack: float | None = None


def evaluate(subject: Subject, pattern: NMPattern | None, globs: Sequence[str]) -> Iterator[Row]:
    """Measure the stored weights, and the projected ones if there is a pattern to project to."""
    yield _row(subject.measure(), type_="evaluation", weights="stored")
    pattern = pattern or subject.pattern()
    if pattern is None:
        return
    for one in subject.chosen(globs, pattern):
        subject.project(one, pattern)
    yield _row(subject.measure(), type_="evaluation", weights="projected", pattern=str(pattern))
    subject.reset()


def sensitivity(
    subject: Subject, pattern: NMPattern | None, sparsity: float, globs: Sequence[str]
) -> Iterator[Row]:
    """Prune one layer at a time: to a pattern, or by magnitude to a sparsity."""
    before = subject.measure()
    yield _row(before, type_="evaluation", weights="stored")
    for one in subject.chosen(globs, pattern):
        weight = subject.stored[one.name]
        if pattern is None:
            mask = keep_largest(weight.abs(), round(weight.numel() * (1 - sparsity)))
        else:
            mask = nm_mask(weight, one.layout, pattern)
        subject.mask(one, mask)
        after = subject.measure()
        kept = int(mask.sum())
        yield _row(
            after,
            type_="sensitivity",
            layer=one.name,
            pattern=str(pattern) if pattern else "",
            sparsity=1 - kept / mask.numel(),
            entries=mask.numel(),
            kept=kept,
            loss_increase=_difference(after.loss, before.loss),
            metric_drop=_difference(before.metric, after.metric),
        )
        subject.reset()


def curve(
    subject: Subject, criteria: Sequence[str], sparsities: Sequence[float], globs: Sequence[str]
) -> Iterator[Row]:
    """Prune the layers together, by each criterion to each sparsity, without training."""
    chosen = subject.chosen(globs, None)
    for criterion in criteria:
        scores = scores_of(subject, criterion, chosen)
        points: list[tuple[float, float]] = []
        for sparsity in sparsities:
            masks = _masks(scores, sparsity, criterion)
            for one, mask in zip(chosen, masks, strict=True):
                subject.mask(one, mask)
            figures = subject.measure()
            points.append((sparsity, figures.metric or 0.0))
            yield _row(figures, type_="point", criterion=criterion, sparsity=sparsity)
            subject.reset()
        if points and points[0][0] == 0:
            yield Row(type_="slack", criterion=criterion, slack=slack(points))


def scores_of(subject: Subject, criterion: str, chosen: Sequence[Candidate]) -> list[Tensor]:
    """Score the weights of several layers.

    ``magnitude`` and ``global`` by |w| (within each layer, or all together), ``random`` by
    chance, ``taylor`` by |g * w| summed over the training examples (within all together).

    Raises
    ------
    RunError
        If there is no such criterion.
    """
    if criterion not in CRITERIA:
        raise RunError(f"There is no criterion {criterion!r}; there are {', '.join(CRITERIA)}.")
    return CRITERIA[criterion](subject, chosen)


def _magnitudes(subject: Subject, chosen: Sequence[Candidate]) -> list[Tensor]:
    return [subject.stored[one.name].abs() for one in chosen]


def _random(subject: Subject, chosen: Sequence[Candidate]) -> list[Tensor]:
    del subject
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(one.parameter.shape, generator=generator) for one in chosen]


def _taylor(subject: Subject, chosen: Sequence[Candidate]) -> list[Tensor]:
    device = chosen[0].parameter.device
    subject.model.zero_grad()
    examples = subject.data.train
    for indices in torch.split(torch.arange(len(examples)), BATCH):
        part = examples.pick(indices).to(device)
        outputs = subject.task.outputs(subject.model, part.inputs)
        torch.autograd.backward(subject.task.loss(outputs, part.targets).sum())
    scores = []
    for one in chosen:
        gradient = one.parameter.grad
        weight = subject.stored[one.name]
        scores.append(torch.zeros_like(weight) if gradient is None else (gradient * weight).abs())
    subject.model.zero_grad()
    return scores


CRITERIA: Mapping[str, Callable[[Subject, Sequence[Candidate]], list[Tensor]]] = {
    "magnitude": _magnitudes,
    "global": _magnitudes,
    "random": _random,
    "taylor": _taylor,
}
_TOGETHER = ("global", "taylor")


def _masks(scores: list[Tensor], sparsity: float, criterion: str) -> list[Tensor]:
    if criterion in _TOGETHER:
        total = sum(score.numel() for score in scores)
        return keep_largest_together(scores, round(total * (1 - sparsity)))
    return [keep_largest(score, round(score.numel() * (1 - sparsity))) for score in scores]


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _row(figures: Figures, **fields: object) -> Row:
    return msgspec.convert(
        {
            "examples": figures.examples,
            "loss": figures.loss,
            "loss_sd": figures.loss_sd,
            "metric": figures.metric,
            "metric_sd": figures.metric_sd,
            "type": fields.pop("type_"),
            **fields,
        },
        Row,
    )
