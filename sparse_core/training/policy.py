"""Which layers are sparse, and why: decided once, printed before a run starts."""

import math
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec
import torch
from torch import nn

from sparse_core.errors import RunError
from sparse_core.masks.layout import Layout, layout_of
from sparse_core.patterns import NMPattern
from sparse_core.runs.events import LayerChoice
from sparse_core.training.layers import SparseLayer, plain_name
from sparse_core.training.method import Method

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_WILD = frozenset("*?[")


class Candidate(msgspec.Struct, frozen=True):
    """A weight of a model with its meaning. ``prunable`` ones are linear or convolutions."""

    name: str
    module: nn.Module
    parameter: nn.Parameter
    kind: str
    input_dim: int | None
    tied: bool

    @property
    def prunable(self) -> bool:
        """Whether it can be sparse at all."""
        return self.kind in ("linear", "conv")

    @property
    def layout(self) -> Layout:
        """What its dimensions mean."""
        return layout_of(tuple(self.parameter.shape), self.kind, self.input_dim)


class Wish(msgspec.Struct, frozen=True):
    """One item of ``--layers``: a glob over names, ``first`` or ``last``; ``!`` makes dense."""

    text: str
    sparse: bool

    @property
    def exact(self) -> bool:
        """Whether it names one weight rather than a sort of them."""
        return self.text not in ("first", "last") and not _WILD & set(self.text)


def read_wishes(text: str) -> tuple[Wish, ...]:
    """Read ``--layers``: comma-separated, the last one that matches decides.

    Begins with a ``*`` of its own if it only says what is to be dense.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    wishes = tuple(Wish(word.removeprefix("!"), not word.startswith("!")) for word in words)
    if wishes and not any(wish.sparse for wish in wishes):
        return (Wish("*", True), *wishes)
    return wishes


def candidates(model: nn.Module) -> tuple[Candidate, ...]:
    """List the weights of two and more dimensions in the order of the model."""
    owners: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            owners[id(parameter)] = owners.get(id(parameter), 0) + 1
    return tuple(_candidates(model, owners))


def _candidates(model: nn.Module, owners: dict[int, int]) -> Iterator[Candidate]:
    for prefix, module in model.named_modules():
        for short, parameter in module.named_parameters(prefix, recurse=False):
            if parameter.ndim >= 2:
                layer = _layer_of(model, prefix, module)
                kind, input_dim = _kind(layer)
                tied = owners[id(parameter)] > 1
                yield Candidate(plain_name(short), layer, parameter, kind, input_dim, tied)


def _layer_of(model: nn.Module, prefix: str, module: nn.Module) -> nn.Module:
    """Give the layer that a weight works in; a parametrized weight lives in a list below it."""
    above, found, _ = f".{prefix}".partition(".parametrizations.")
    return model.get_submodule(above.removeprefix(".")) if found else module


def _kind(module: nn.Module) -> tuple[str, int | None]:
    if isinstance(module, nn.Linear):
        return "linear", 1
    if isinstance(module, _CONVOLUTIONS):
        return "conv", 1
    if isinstance(module, _TRANSPOSED):
        return "conv", 0
    if isinstance(module, nn.Embedding):
        return "embedding", None
    if type(module).__name__ == "Conv1D" and hasattr(module, "nf"):
        return "linear", 0  # GPT-2 stores its linear weights (in, out)
    return "other", None


def choose_layers(
    model: nn.Module,
    wishes: str,
    method: type[Method],
    options: msgspec.Struct,
    pattern: NMPattern | None,
) -> tuple[tuple[LayerChoice, ...], tuple[SparseLayer, ...]]:
    """Decide for every weight whether it is sparse.

    Parameters
    ----------
    model : nn.Module
    wishes : str
        ``--layers``; "" takes the method's own policy.
    method, options
        Whose ``misfit`` may refuse a weight.
    pattern : NMPattern or None
        What groups must fit; None for methods without groups.

    Returns
    -------
    choices, layers
        Every weight of two or more dimensions with the reason; the sparse ones.

    Raises
    ------
    RunError
        If no layer is left, a wish names nothing, or a named weight does not fit.
    """
    found = candidates(model)
    items = read_wishes(wishes or method.default_policy)
    _refuse_unmatched(items, found)
    choices: list[LayerChoice] = []
    layers: list[SparseLayer] = []
    for candidate in found:
        wish = _wish_for(candidate, items, found)
        reason = _dense_reason(candidate, wish, pattern)
        reason = reason or method.misfit(
            options, tuple(candidate.parameter.shape), candidate.parameter.dtype
        )
        if reason and wish is not None and wish.sparse and wish.exact:
            raise RunError(f"{candidate.name} cannot be sparse: {reason}.")
        choices.append(_choice(candidate, pattern, reason))
        if not reason:
            layers.append(SparseLayer(candidate.name, candidate.module, candidate.layout, pattern))
    if not layers:
        because = "; ".join(f"{choice.name}: {choice.reason}" for choice in choices[:6])
        raise RunError(f"No layer can be sparse ({because}). Choose others with --layers.")
    return tuple(choices), tuple(layers)


def _choice(candidate: Candidate, pattern: NMPattern | None, reason: str) -> LayerChoice:
    shape = tuple(candidate.parameter.shape)
    text = None if reason or pattern is None else str(pattern)
    return LayerChoice(candidate.name, candidate.kind, shape, not reason, reason, text)


def _refuse_unmatched(items: Sequence[Wish], found: Sequence[Candidate]) -> None:
    for wish in items:
        if wish.text in ("first", "last", "*"):
            continue
        if not any(_matches(candidate, wish, found) for candidate in found):
            names = ", ".join(candidate.name for candidate in found[:8])
            raise RunError(f"--layers {wish.text!r} matches no weight; there are: {names}.")


def _matches(candidate: Candidate, wish: Wish, found: Sequence[Candidate]) -> bool:
    if wish.text in ("first", "last"):
        prunable = [one for one in found if one.prunable]
        end = prunable[0 if wish.text == "first" else -1] if prunable else None
        return candidate is end
    return fnmatchcase(candidate.name, wish.text) or fnmatchcase(
        candidate.name, f"{wish.text}.weight"
    )


def _wish_for(
    candidate: Candidate, items: Sequence[Wish], found: Sequence[Candidate]
) -> Wish | None:
    matching = [wish for wish in items if _matches(candidate, wish, found)]
    return matching[-1] if matching else None


def _dense_reason(candidate: Candidate, wish: Wish | None, pattern: NMPattern | None) -> str:
    if not candidate.prunable:
        return {"embedding": "an embedding"}.get(candidate.kind, "no linear layer or convolution")
    if candidate.tied:
        return "tied to another layer"
    if wish is None:
        return "not among --layers"
    if not wish.sparse:
        return {"first": "the first layer", "last": "the last layer"}.get(
            wish.text, f"dense by !{wish.text}"
        )
    return "" if pattern is None else group_misfit(candidate.layout, pattern)


def group_misfit(layout: Layout, pattern: NMPattern) -> str:
    """Say why the groups of a pattern do not fit a weight, "" if they do."""
    run = layout.run(pattern.axis)
    if run is None:
        return "a vector has no groups"
    if run.length % pattern.m:
        what = {"in": "inputs", "out": "outputs", "kernel": "weights a filter"}[pattern.axis]
        return f"{run.length} {what} are no multiple of {pattern.m}"
    return ""


def describe(choices: Sequence[LayerChoice]) -> str:
    """Write the policy for people: one line a weight."""
    width = max(len(choice.name) for choice in choices)
    lines = []
    for choice in choices:
        shape = " x ".join(map(str, choice.shape))
        state = (choice.pattern or "sparse") if choice.sparse else f"dense   {choice.reason}"
        lines.append(f"  {choice.name:<{width}}  {shape:<18} {state}")
    kept = sum(math.prod(choice.shape) for choice in choices if choice.sparse)
    total = sum(math.prod(choice.shape) for choice in choices)
    lines.append(f"  {kept:,} of {total:,} weights lie in sparse layers")
    return "\n".join(lines)


def dtype_of(model: nn.Module) -> torch.dtype:
    """Give the number format of a model's first parameter."""
    return next(model.parameters()).dtype
