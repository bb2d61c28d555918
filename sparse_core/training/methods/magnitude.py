r"""Magnitude pruning: train dense, drop the smallest |w| once, fine-tune what is left.

``scope layer`` keeps the largest of each layer by its budget; ``scope global`` applies one
threshold to all of them. The baseline of Hoefler et al., "Sparsity in deep learning", JMLR 22
(2021), and of Gale et al., arXiv 1902.09574: well tuned it matches much that is fancier.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sparse_core.training.budget import Budget, densities, kept_count
from sparse_core.training.held import HoldingMethod
from sparse_core.training.method import Phase
from sparse_core.training.rank import keep_largest, keep_largest_together


class MagnitudeOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of magnitude pruning."""

    sparsity: Annotated[
        float, Meta(ge=0, le=1, description="share of the sparse layers' weights to drop")
    ] = 0.9
    scope: Annotated[
        Literal["layer", "global"], Meta(description="rank within each layer, or all together")
    ] = "layer"
    budget: Annotated[
        Budget, Meta(description="how layers share the density, with scope layer")
    ] = "uniform"
    dense_epochs: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="epochs before pruning; as many as --epochs, none with --init",
                extra_json_schema={"unit": "epochs"},
            ),
        ]
        | None
    ) = None


class Magnitude(HoldingMethod):
    """Prune once by magnitude, then hold the masks."""

    name = "magnitude"
    Options = MagnitudeOptions
    uses_pattern = False

    @classmethod
    def phases(cls, options: Any, epochs: int, initialised: bool) -> tuple[Phase, ...]:
        """Train, then fine-tune."""
        before = options.dense_epochs
        if before is None:
            before = 0 if initialised else epochs
        return (Phase("dense", before), Phase("fine-tune", epochs))

    def enter(self, phase: Phase) -> str:
        """Prune at the start of fine-tuning."""
        if phase.name != "fine-tune":
            return ""
        density = 1 - self.options.sparsity
        scores = [layer.whole().abs() for layer in self.layers]
        if self.options.scope == "global":
            total = sum(score.numel() for score in scores)
            masks = keep_largest_together(scores, kept_count(total, density))
        else:
            shares = densities([layer.layout.shape for layer in self.layers], density, self.budget)
            masks = [
                keep_largest(score, kept_count(score.numel(), share))
                for score, share in zip(scores, shares, strict=True)
            ]
        for layer, mask in zip(self.layers, masks, strict=True):
            self.held.set(layer, mask)
        return f"Pruned to {density:.1%} of the weights of {len(self.layers)} layers."

    @property
    def budget(self) -> Budget:
        """How layers share the density."""
        budget: Budget = self.options.budget
        return budget
