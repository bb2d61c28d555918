r"""SSL: structured sparsity by group lasso, then fine-tuning with the zeros held.

    min  E(W) + lambda * sum over groups of s_g * |w_g|   (+ l1 * |W|_1: sparse group lasso)

Groups are filters, channels, shapes (columns), 2-D filters or whole layers (only where a shortcut
leads around them), or two granularities at once, whose penalties add. Wen et al., "Learning
structured sparsity in deep neural networks", NeurIPS 2016.

``solver subgradient`` is the reference code (wenwei202/caffe, branch scnn): ``lambda * w / |w_g|``
joins the gradient before momentum; after each step every weight and bias below 1e-4 is zeroed,
element by element. ``solver proximal`` takes a step, then shrinks groups by ``lr * lambda * s_g``
exactly to zero, with ``lr / (1 - momentum)`` where there is momentum, so that lambda means the
same in both: a zero group stays zero while ``|g| <= lambda * s_g``. Of two overlapping
granularities the first named comes first, which is not the joint proximal map but close to it.
The paper's penalty has no ``s_g`` (``scale none``); the classical one has ``sqrt(size)``, which
balances layers. Begin with a trained network (``--init``): a fresh one has small gradients, and
all of it vanishes before it learns.

The outputs of the network's last layer are never a group: they are the classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
import torch
from msgspec import Meta
from torch import Tensor

from sparse_core.errors import RunError
from sparse_core.runs.events import GroupNorms
from sparse_core.training.group_lasso import (
    Granularity,
    Scale,
    blocks,
    group_norms,
    scale_of,
    shrink_elements,
    shrink_groups,
    subgradient,
    unblock,
)
from sparse_core.training.held import HoldingMethod
from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import MethodState, Moment, Phase, Plan

Groups = Literal[
    "filter", "channel", "shape", "filter2d", "layer", "filter+channel", "filter+shape"
]


class SslOptions(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"strength": "lambda", "second": "lambda_second"},
):
    """Options of SSL."""

    groups: Annotated[Groups, Meta(description="what vanishes together")] = "filter+channel"
    strength: Annotated[float, Meta(ge=0, description="strength of the penalty")] = 1e-3
    second: (
        Annotated[
            float,
            Meta(ge=0, description="strength for the second granularity; the same if not given"),
        ]
        | None
    ) = None
    l1: Annotated[float, Meta(ge=0, description="element penalty beside it")] = 0.0
    scale: Annotated[Scale, Meta(description="weight of a group: root of its size, or 1")] = (
        "sqrt_size"
    )
    solver: Annotated[
        Literal["proximal", "subgradient"],
        Meta(description="exact zeros, or the reference code"),
    ] = "proximal"
    threshold: Annotated[float, Meta(ge=0, description="|w| below is zeroed, with subgradient")] = (
        1e-4
    )
    finetune_epochs: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="epochs with the zeros held; a third of --epochs if not given",
                extra_json_schema={"unit": "epochs"},
            ),
        ]
        | None
    ) = None
    finetune_lr: Annotated[
        float, Meta(ge=0, description="share of the learning rate while fine-tuning")
    ] = 0.1
    hold: Annotated[
        Literal["group", "element"],
        Meta(description="while fine-tuning: zero groups stay, or every zero"),
    ] = "group"


class Ssl(HoldingMethod):
    """Shrink groups to zero, then hold them there."""

    name = "ssl"
    Options = SslOptions
    uses_pattern = False
    default_policy = "*"

    def __init__(self, options: SslOptions, layers: Sequence[SparseLayer], plan: Plan) -> None:
        super().__init__(options, layers, plan)
        self.strength = options.strength
        self._tuning = False
        if options.groups == "layer":
            stuck = next((one.name for one in layers if one.name not in plan.removable), None)
            if stuck is not None:
                raise RunError(
                    f"{stuck} cannot vanish as a whole: no shortcut leads around it. Choose "
                    "layers by --layers, or other --groups."
                )

    @classmethod
    def phases(cls, options: Any, epochs: int, initialised: bool) -> tuple[Phase, ...]:
        """Learn the structure, then fine-tune."""
        del initialised
        tuning = options.finetune_epochs
        if tuning is None:
            tuning = max(1, epochs // 3)
        return (Phase("ssl", epochs), Phase("fine-tune", tuning, options.finetune_lr))

    def enter(self, phase: Phase) -> str:
        """Hold the zeros at the start of fine-tuning."""
        if phase.name != "fine-tune":
            return ""
        self._tuning = True
        for layer in self.layers:
            weight = layer.whole()
            held = weight != 0 if self.options.hold == "element" else self._alive(layer)
            self.held.set(layer, held)
        zeros = sum(int((~mask).sum()) for mask in self.held.masks.values())
        total = sum(mask.numel() for mask in self.held.masks.values())
        return f"{zeros:,} of {total:,} weights are held at zero."

    def before_step(self, moment: Moment) -> None:
        """Add the sub-gradient; while fine-tuning, drop the gradients of what is held."""
        super().before_step(moment)
        if self._tuning or self.options.solver != "subgradient":
            return
        for layer in self.layers:
            gradient = layer.latent.grad
            if gradient is None:
                continue
            view = blocks(layer.latent.detach(), layer.layout)
            for granularity, strength in self._penalties(layer):
                pull = subgradient(view, granularity, self.options.scale)
                gradient.add_(unblock(pull, layer.layout), alpha=strength)
            if self.options.l1:
                gradient.add_(layer.latent.detach().sign(), alpha=self.options.l1)

    def after_step(self, moment: Moment) -> None:
        """Zero what is small, or shrink groups; while fine-tuning, hold the zeros."""
        super().after_step(moment)
        if self._tuning:
            return
        momentum = float(moment.optimizer.param_groups[0].get("momentum", 0.0))
        with torch.no_grad():
            for layer in self.layers:
                if self.options.solver == "proximal":
                    self._shrink(layer, moment.lr, momentum)
                else:
                    for blob in layer.module.parameters(recurse=False):
                        blob.masked_fill_(blob.abs() < self.options.threshold, 0.0)

    def _shrink(self, layer: SparseLayer, lr: float, momentum: float) -> None:
        view = blocks(layer.latent.detach(), layer.layout)
        lr = lr / (1 - momentum)
        if self.options.l1:
            view = shrink_elements(view, lr * self.options.l1)
        for granularity, strength in self._penalties(layer):
            amount = lr * strength * scale_of(view, granularity, self.options.scale)
            view = shrink_groups(view, granularity, amount)
        layer.latent.copy_(unblock(view, layer.layout))

    def _penalties(self, layer: SparseLayer) -> Iterator[tuple[Granularity, float]]:
        """Give the granularities of a layer and their strengths."""
        strengths = (self.strength, self.strength * self._second_share)
        for name, strength in zip(self.options.groups.split("+"), strengths, strict=False):
            if not (name in ("filter", "filter2d") and layer.name == self.plan.head):
                yield cast("Granularity", name), strength

    @property
    def _second_share(self) -> float:
        second, first = self.options.second, self.options.strength
        return 1.0 if second is None or not first else float(second / first)

    def _alive(self, layer: SparseLayer) -> Tensor:
        """Say which weights lie in no zero group."""
        view = blocks(layer.whole(), layer.layout)
        alive = torch.ones_like(view, dtype=torch.bool)
        for granularity, _ in self._penalties(layer):
            alive &= group_norms(view, granularity) > 0
        return unblock(alive, layer.layout).contiguous()

    def mask(self, layer: SparseLayer) -> Tensor:
        """Non-zero weights; held ones while fine-tuning."""
        return layer.whole() != 0

    def group_norms(self) -> tuple[GroupNorms, ...]:
        """Describe the groups of every layer."""
        rows = []
        for layer in self.layers:
            view = blocks(layer.whole(), layer.layout)
            for granularity, _ in self._penalties(layer):
                norms = group_norms(view, granularity).flatten().double()
                rows.append(
                    GroupNorms(
                        layer.name,
                        granularity,
                        norms.numel(),
                        int((norms == 0).sum()),
                        float(norms.min()),
                        float(norms.median()),
                        float(norms.max()),
                    )
                )
        return tuple(rows)

    def knobs(self) -> dict[str, float | bool]:
        """Lambda can be turned."""
        return {"lambda": self.strength}

    def turn(self, name: str, value: float | bool) -> None:
        """Turn ``lambda``; the second strength keeps its ratio."""
        if name != "lambda":
            super().turn(name, value)
        if not value >= 0:
            raise RunError(f"lambda must be at least 0, not {value:g}.")
        self.strength = float(value)

    def state(self) -> MethodState:
        """Add lambda and the phase."""
        scalars = {"lambda": self.strength, "tuning": self._tuning}
        return MethodState(super().state().tensors, scalars)

    def restore(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Any]) -> None:
        """Take them back."""
        super().restore(tensors, scalars)
        self.strength = float(scalars.get("lambda", self.strength))
        self._tuning = bool(scalars.get("tuning", False))
