"""2:4 on the tensor cores through ``torch.sparse``: cuSPARSELt, and CUTLASS where it runs.

Linear layers in fp16 and bf16, and 1:2 in fp32 through CUTLASS. Weights whose sides do not fit
are padded; padding the activations of every call is part of the time.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from sparse_core.errors import PatternError
from sparse_core.inference import algorithm, two_four
from sparse_core.inference.algorithm import Algorithm, Call
from sparse_core.inference.backend import YES, Prepared, Support
from sparse_core.inference.cuda import refusal
from sparse_core.inference.layer import SparseLayer
from sparse_core.inference.whole_groups import refuse_broken, refuse_crowded_rest


@dataclass(frozen=True)
class TwoFour:
    """A linear layer whose packed weight may be larger than the layer.

    Attributes
    ----------
    weight : Tensor, ``(padded out, padded in)``
        torch's semi-structured tensor.
    bias : Tensor, ``(padded out,)``, or None
    outputs : int
        Outputs of the layer itself.
    algorithm : Algorithm
        What was chosen.
    """

    weight: Tensor
    bias: Tensor | None
    outputs: int
    algorithm: Algorithm

    @property
    def nbytes(self) -> int:
        """Bytes of values and metadata."""
        return two_four.nbytes_of(self.weight)

    def run(self, x: Tensor) -> Tensor:
        """Apply the layer to ``(batch, in)``."""
        if not len(x):
            return x.new_empty(0, self.outputs)
        missing = self.weight.shape[1] - x.shape[1]
        wide = functional.pad(x, (0, missing)) if missing else x.contiguous()
        y = functional.linear(wide, self.weight, self.bias)
        return y if y.shape[1] == self.outputs else y[:, : self.outputs].contiguous()


class SemiStructured:
    """torch's 2:4 product."""

    name = "semi_structured"

    def supports(self, layer: SparseLayer, device: str, batch: int) -> Support:
        """Say yes to a 2:4 linear layer where a probe of either library succeeds."""
        del batch
        able = refusal(device)
        if not able:
            return able
        if layer.convolution is not None:
            return Support("2:4 tensor cores have no convolution in torch")
        dtype = layer.weight.dtype
        reasons, libraries = two_four.libraries_for(dtype, device)
        if not libraries:
            said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            return Support(said or f"2:4 tensor cores take no {dtype}")
        try:
            _check(layer)
        except PatternError as error:
            return Support(str(error).split(". ", 1)[0].removeprefix(f"{layer.name}: "))
        return YES

    def prepare(self, layer: SparseLayer, device: str, batch: int, threads: int) -> Prepared:
        """Pad and pack the weight, and find the fastest algorithm for this batch."""
        del threads
        _check(layer)
        _, libraries = two_four.libraries_for(layer.weight.dtype, device)
        packed = {name: _packed(layer, name, device) for name in libraries}
        problem = algorithm.problem_of(layer.weight, batch, device, libraries)
        chosen = algorithm.known(problem)
        if chosen is None:
            chosen = _search(layer, packed, problem, device)
        return _with(packed[chosen.library], chosen)


def _check(layer: SparseLayer) -> None:
    """Refuse a weight of which torch would silently drop values."""
    pattern = two_four.pattern_for(layer.weight.dtype)
    refuse_broken(layer, pattern)
    refuse_crowded_rest(layer, pattern)


def _packed(layer: SparseLayer, library: str, device: str) -> TwoFour:
    """Pad the sides with zeros to what a library takes, and let it pack."""
    sides = two_four.SIDES[library][layer.weight.dtype]
    rows, columns = (-size % side for size, side in zip(layer.weight.shape, sides, strict=True))
    weight = functional.pad(layer.weight.detach(), (0, columns, 0, rows)).contiguous().to(device)
    bias = None
    if layer.bias is not None:
        bias = functional.pad(layer.bias.detach(), (0, rows)).to(device)
    packed = two_four.convert(library, weight)
    return TwoFour(packed, bias, layer.weight.shape[0], Algorithm(library))


def _search(
    layer: SparseLayer, packed: dict[str, TwoFour], problem: algorithm.Problem, device: str
) -> Algorithm:
    """Time the algorithms on the layer's own weight."""
    x = layer.inputs(problem.bucket, device)
    exact = functional.linear(x, layer.weight.to(device), _on(layer.bias, device))

    def product_of(one: Algorithm) -> Call:
        form = _with(packed[one.library], one)
        return lambda: form.run(x)

    with torch.inference_mode():
        return algorithm.search(problem, product_of, exact, device)


def _with(form: TwoFour, chosen: Algorithm) -> TwoFour:
    return replace(form, weight=two_four.with_algorithm(form.weight, chosen), algorithm=chosen)


def _on(tensor: Tensor | None, device: str) -> Tensor | None:
    return None if tensor is None else tensor.to(device)
