"""What a terminal shows while a run goes on: the policy, a line an epoch, a bar."""

import sys
from typing import TextIO

from sparse_core.runs.events import (
    Evaluated,
    Event,
    Failed,
    Mask,
    Phase,
    Refused,
    Resumed,
    Set,
    Started,
    Step,
)
from sparse_core.training.policy import describe

BAR = 24
"""Characters of the bar."""


class Progress:
    """Shows events to a person.

    Parameters
    ----------
    out : TextIO
        Where to; the bar only appears on a terminal.
    """

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out = out
        self._live = out.isatty()
        self._steps = 0
        self._loss: float | None = None
        self._metric = "metric"
        self._masks = ""

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Step):
            self._loss = event.loss
            if self._live:
                self._bar(event)
        elif isinstance(event, Mask):
            self._masks = _masks(event)
        elif isinstance(event, Evaluated):
            self._say(self._evaluated(event))
        else:
            self._others(event)

    def end(self, text: str) -> None:
        """Say the last line."""
        self._say(text)

    def _start(self, event: Started) -> None:
        self._steps, self._metric = event.steps, event.metric
        pattern = f" {event.pattern} along {event.axis}" if event.pattern else ""
        self._say(f"{event.task}: {event.method}{pattern}, {event.steps} steps")
        self._say(describe(event.layers))
        if event.exponent is not None:
            self._say(
                f"  lambda alone will shrink pruned weights by exp(-{event.exponent:.3g})"
                + ("; below 0.3 it hardly matters" if event.exponent < 0.3 else "")
            )

    def _others(self, event: Event) -> None:
        if isinstance(event, Phase):
            self._say(f"step {event.step}: {event.name}. {event.note}")
        elif isinstance(event, Set):
            self._say(f"step {event.step}: {event.name} = {event.value}")
        elif isinstance(event, Refused):
            self._say(f"step {event.step}: {event.sentence}")
        elif isinstance(event, Resumed):
            self._say(f"goes on at step {event.step}. {event.note}".rstrip())
        elif isinstance(event, Failed) and event.kind != "sentence":
            self._say(event.sentence)

    def _evaluated(self, event: Evaluated) -> str:
        loss = "" if self._loss is None else f"  train loss {self._loss:.4f}"
        return (
            f"step {event.step:>6}{loss}  {event.split} loss {_number(event.loss)}  "
            f"{self._metric} {_number(event.metric)}{self._masks}"
            + ("  best" if event.best else "")
        )

    def _bar(self, event: Step) -> None:
        share = event.step / self._steps if self._steps else 0.0
        full = int(BAR * share)
        left = "" if event.left_s is None else f"  {event.left_s:.0f} s left"
        speed = "" if event.samples_per_s is None else f"  {event.samples_per_s:.0f}/s"
        self._out.write(
            f"\r\x1b[K{'█' * full}{'░' * (BAR - full)} {share:4.0%}  "
            f"loss {_number(event.loss)}{speed}{left}"
        )
        self._out.flush()

    def _say(self, text: str) -> None:
        self._out.write(("\r\x1b[K" if self._live else "") + text + "\n")
        self._out.flush()


def _masks(event: Mask) -> str:
    flips = "" if event.flip_rate is None else f"  flips {event.flip_rate:.2%}"
    return f"  sparsity {event.sparsity:.1%}{flips}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
