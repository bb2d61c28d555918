r"""Gradual magnitude pruning: the sparsity rises on a cubic schedule while it trains.

    s(t) = s_f + (s_i - s_f) * (1 - (t - t0) / (n * dt))^3     for t0 <= t <= t0 + n * dt

constant outside; every ``dt`` steps the smallest |w| are dropped down to it. Masks are made anew
from the weights each time, so a weight whose gradient was dropped cannot come back. Zhu and
Gupta, "To prune, or not to prune", arXiv 1710.01878.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sparse_core.training.budget import Budget, densities, kept_count
from sparse_core.training.held import HoldingMethod
from sparse_core.training.method import Moment
from sparse_core.training.rank import keep_largest, keep_largest_together


class GradualOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of gradual pruning."""

    sparsity: Annotated[float, Meta(ge=0, le=1, description="share dropped at the end")] = 0.9
    initial_sparsity: Annotated[
        float, Meta(ge=0, le=1, description="share dropped at the start")
    ] = 0.0
    begin: Annotated[float, Meta(ge=0, le=1, description="share of the run before it begins")] = 0.1
    end: Annotated[
        float, Meta(ge=0, le=1, description="share of the run after which it is done")
    ] = 0.7
    every: Annotated[
        int,
        Meta(ge=1, description="steps between two prunings", extra_json_schema={"unit": "steps"}),
    ] = 10
    scope: Annotated[
        Literal["layer", "global"], Meta(description="rank within each layer, or all together")
    ] = "layer"
    budget: Annotated[
        Budget, Meta(description="how layers share the density, with scope layer")
    ] = "uniform"


def cubic_sparsity(step: float, begin: float, end: float, initial: float, final: float) -> float:
    """Give the sparsity of the cubic schedule at a step."""
    done = min(max((step - begin) / (end - begin), 0.0), 1.0) if end > begin else 1.0
    return final + (initial - final) * (1 - done) ** 3


class Gradual(HoldingMethod):
    """Drop a little more every few steps."""

    name = "gradual"
    Options = GradualOptions
    uses_pattern = False

    def after_step(self, moment: Moment) -> None:
        """Prune further when it is time; hold the masks in between."""
        step = moment.step + 1
        begin, end = self._span()
        due = step % self.options.every == 0 and begin <= step <= end
        if due or step == end:
            self._prune(self.sparsity_at(step))
        super().after_step(moment)

    def sparsity_at(self, step: int) -> float:
        """Give the sparsity wanted after so many steps."""
        begin, end = self._span()
        options = self.options
        return cubic_sparsity(step, begin, end, options.initial_sparsity, options.sparsity)

    def _span(self) -> tuple[int, int]:
        steps = self.plan.steps
        return round(self.options.begin * steps), round(self.options.end * steps)

    def _prune(self, sparsity: float) -> None:
        scores = [layer.whole().abs() for layer in self.layers]
        if self.options.scope == "global":
            total = sum(score.numel() for score in scores)
            masks = keep_largest_together(scores, kept_count(total, 1 - sparsity))
        else:
            shapes = [layer.layout.shape for layer in self.layers]
            shares = densities(shapes, 1 - sparsity, self.options.budget)
            masks = [
                keep_largest(score, kept_count(score.numel(), share))
                for score, share in zip(scores, shares, strict=True)
            ]
        for layer, mask in zip(self.layers, masks, strict=True):
            self.held.set(layer, mask)
