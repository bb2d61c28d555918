r"""ASP: train dense, prune once to N:M by magnitude, repeat the same training with fixed masks.

    E = mask of S(W, N, M) of the trained weights
    then, with a new optimizer:   g <- g * E,   step,   W <- W * E

Mishra et al., "Accelerating sparse deep neural networks", arXiv 2104.08378, section 4; NVIDIA's
apex ``contrib/sparsity`` (``prune_trained_model``). apex takes the best of the six 2:4 patterns by
their sum of |w|, which is the top-2 mask but for ties. Momentum is not masked. ``eligibility apex``
adds apex's rule for shapes: a multiple of 8 outputs and of 16 inputs, checked for fp32 and fp16.
``permute`` reorders channels first (Pool and Yu, NeurIPS 2021), see ``training.permutation``.
"""

from typing import Annotated, Any, Literal

import msgspec
import torch
from msgspec import Meta

from sparse_core.training.held import HoldingMethod
from sparse_core.training.method import Phase
from sparse_core.training.permutation import permute_channels
from sparse_core.training.projection import nm_mask


class AspOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of ASP."""

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
    eligibility: Annotated[
        Literal["groups", "apex"],
        Meta(description="which layers fit: whole groups, or apex's multiples of 8 and 16"),
    ] = "groups"
    permute: Annotated[
        bool, Meta(description="reorder channels before pruning, so that masks keep more")
    ] = False


class Asp(HoldingMethod):
    """Prune once, then hold the masks."""

    name = "asp"
    Options = AspOptions

    @property
    def patterned(self) -> bool:
        """The weights are dense until they are pruned."""
        return bool(self.held)

    @classmethod
    def misfit(cls, options: Any, shape: tuple[int, ...], dtype: torch.dtype) -> str:
        """Apply apex's rule if it is asked for."""
        if options.eligibility != "apex" or dtype not in (torch.float32, torch.float16):
            return ""
        if shape[0] % 8 or shape[1] % 16:
            return f"apex wants multiples of 8 and 16, not {shape[0]} and {shape[1]}"
        return ""

    @classmethod
    def phases(cls, options: Any, epochs: int, initialised: bool) -> tuple[Phase, ...]:
        """Train, then do the same again."""
        before = options.dense_epochs
        if before is None:
            before = 0 if initialised else epochs
        return (Phase("dense", before), Phase("masked", epochs))

    def enter(self, phase: Phase) -> str:
        """Prune at the start of the second training."""
        if phase.name != "masked":
            return ""
        note = self._permute() if self.options.permute else ""
        for layer in self.layers:
            self.held.set(layer, nm_mask(layer.whole(), layer.layout, layer.pattern_or_raise()))
        return f"{note}Pruned {len(self.layers)} layers once; the masks are fixed from here."

    def _permute(self) -> str:
        """Reorder channels before the masks are made; the network computes the same."""
        if self.plan.model is None:
            return ""
        pattern = self.layers[0].pattern_or_raise()
        names = frozenset(layer.name.removesuffix(".weight") for layer in self.layers)
        gains = permute_channels(self.plan.model, pattern, names)
        before = sum(first for first, _ in gains.values())
        after = sum(last for _, last in gains.values())
        gained = f"{after / before - 1:.1%} more magnitude kept" if before else "nothing to gain"
        return f"Permuted the inputs of {len(gains)} layers: {gained}. "
