"""Learning rates, and where a run is among its phases and epochs."""

import math
from collections.abc import Sequence

import msgspec

from sparse_core.training.method import Phase


class Span(msgspec.Struct, frozen=True):
    """A phase with its place: steps ``start`` to ``stop`` (exclusive)."""

    phase: Phase
    start: int
    stop: int


def spans_of(phases: Sequence[Phase], steps_an_epoch: int) -> tuple[Span, ...]:
    """Lay phases one after the other; those without epochs vanish."""
    spans = []
    start = 0
    for phase in phases:
        stop = start + phase.epochs * steps_an_epoch
        if stop > start:
            spans.append(Span(phase, start, stop))
        start = stop
    return tuple(spans)


def span_at(spans: Sequence[Span], step: int) -> Span:
    """Give the phase in which the step after ``step`` done ones lies."""
    return next((span for span in spans if step < span.stop), spans[-1])


def factor(schedule: str, done: float) -> float:
    """Give the share of the learning rate when the share ``done`` of a phase is over.

    ``cosine`` falls as ``(1 + cos(pi * done)) / 2``; ``step`` is a tenth after one half and a
    hundredth after three quarters; ``constant`` stays.
    """
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * done))
    if schedule == "step":
        return 0.01 if done >= 0.75 else 0.1 if done >= 0.5 else 1.0
    return 1.0


def lr_at(schedule: str, lr: float, span: Span, step: int) -> float:
    """Give the learning rate of the step after ``step`` done ones."""
    done = (step - span.start) / (span.stop - span.start)
    return lr * span.phase.lr_scale * factor(schedule, done)


def lr_sum(schedule: str, lr: float, spans: Sequence[Span], start: int = 0) -> float:
    """Add up the learning rates from ``start`` to the end."""
    return math.fsum(
        lr_at(schedule, lr, span, step)
        for span in spans
        for step in range(max(span.start, start), span.stop)
    )
