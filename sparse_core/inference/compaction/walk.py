"""Walk through a traced network once: spaces, constants, and who uses what."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from sparse_core.inference.compaction import attention
from sparse_core.inference.compaction.layers import (
    Product,
    norm_constants,
    outputs_of,
    see,
    use_of,
)
from sparse_core.inference.compaction.spaces import Flow, Space, Survivors, Use

_PRODUCTS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_POINTWISE: dict[Any, Callable[[Tensor], Tensor]] = {
    nn.ReLU: functional.relu,
    nn.GELU: functional.gelu,
    nn.SiLU: functional.silu,
    nn.Tanh: torch.tanh,
    nn.Sigmoid: torch.sigmoid,
    functional.relu: functional.relu,
    torch.relu: functional.relu,
    "relu": functional.relu,
    functional.gelu: functional.gelu,
    functional.silu: functional.silu,
    torch.tanh: torch.tanh,
    torch.sigmoid: torch.sigmoid,
}
_PASSING: frozenset[Any] = frozenset(
    {
        nn.Dropout,
        nn.Dropout2d,
        nn.Identity,
        nn.Flatten,
        nn.MaxPool2d,
        nn.AdaptiveAvgPool2d,
        functional.max_pool2d,
        functional.adaptive_avg_pool2d,
        functional.dropout,
        torch.flatten,
        "flatten",
        "contiguous",
    }
)
_SUMS = (operator.add, operator.iadd, torch.add)


class Tracer(fx.Tracer):
    """Keeps attention whole."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Say which modules are not looked into."""
        return attention.is_attention(m) or super().is_leaf_module(m, module_qualified_name)


@dataclass
class Site:
    """A module with weights: what flows in and which space flows out.

    ``heads`` is the space of the heads of attention.
    """

    name: str
    module: nn.Module
    inputs: Flow
    outputs: Space
    heads: Space | None = None
    mixed: Tensor | None = None


@dataclass
class Walk:
    """One pass over a graph with what is known to survive.

    Attributes
    ----------
    sites : list of Site
        Modules with weights, in order.
    uses : list of Use
        What every use says.
    """

    model: nn.Module
    survivors: Survivors
    sites: list[Site] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    spaces: int = 0
    flows: dict[fx.Node, Flow | None] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def run(self, graph: fx.Graph) -> "Walk":
        """Visit every node."""
        for node in graph.nodes:
            self.flows[node] = self._visit(node)
        return self

    def space(self, size: int | None, fixed: str = "") -> Space:
        """Make the next space."""
        self.spaces += 1
        return Space(self.spaces - 1, size, fixed)

    def _visit(self, node: fx.Node) -> Flow | None:
        if node.op == "placeholder":
            return Flow(self.space(None, "the input of the network"))
        if node.op == "output":
            self._fix(node, "the output of the network")
            return None
        if node.op == "call_module":
            return self._module(node, self.model.get_submodule(str(node.target)))
        if node.op in ("call_function", "call_method"):
            return self._operation(node, node.target)
        return None

    def _module(self, node: fx.Node, module: nn.Module) -> Flow | None:
        name = str(node.target)
        flow = self._first(node)
        if name in self.seen:
            self._fix(node, f"{name} is used more than once")
            return Flow(self.space(None, f"{name} is used more than once"))
        self.seen.add(name)
        if isinstance(module, _PRODUCTS):
            return self._product(name, module, flow)
        if isinstance(module, _BatchNorm):
            return self._norm(name, module, flow)
        if attention.is_attention(module):
            return self._attention(name, module, flow)
        return self._operation(node, type(module))

    def _operation(self, node: fx.Node, kind: Any) -> Flow | None:
        flow = self._first(node)
        if flow is not None and kind in _POINTWISE:
            return Flow(flow.space, _apply(_POINTWISE[kind], flow.constant))
        if flow is not None and (kind in _PASSING or _mean_over_space(node, kind)):
            return flow
        if kind in _SUMS and len(node.args) == 2:
            return self._sum(node)
        self._fix(node, f"{getattr(kind, '__name__', kind)} mixes units")
        return Flow(self.space(None, f"made by {getattr(kind, '__name__', kind)}"))

    def _sum(self, node: fx.Node) -> Flow:
        first, second = (self._flow(argument) for argument in node.args[:2])
        if first is None or second is None:
            self._fix(node, "added to something that is no layer's output")
            return Flow(self.space(None, "a sum with something that is no layer's output"))
        first.space.merge(second.space)
        if first.space.fixed:
            return Flow(first.space)
        return Flow(first.space, first.values() + second.values())

    def _product(self, name: str, layer: Product, flow: Flow | None) -> Flow:
        flow = flow or Flow(self.space(None, "made by something that is no layer"))
        inputs = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
        flow.space.settle(inputs)
        outputs = self.space(len(layer.weight))
        if getattr(layer, "groups", 1) > 1:
            flow.space.fix(f"{name} is grouped")
            outputs.fix(f"{name} is grouped")
            return Flow(outputs)
        seen = see(layer, flow.space.size or 1)
        self.sites.append(Site(name, layer, flow, outputs))
        self.uses.append(use_of(seen, flow, self.survivors.of(outputs)))
        return Flow(outputs, outputs_of(seen, flow, self.survivors))

    def _norm(self, name: str, norm: _BatchNorm, flow: Flow | None) -> Flow:
        if flow is None:
            return Flow(self.space(norm.num_features, "made by something that is no layer"))
        flow.space.settle(norm.num_features)
        self.sites.append(Site(name, norm, flow, flow.space))
        if flow.space.size != norm.num_features:
            flow.space.fix(f"{name} does not fit its inputs")
            return Flow(flow.space)
        return Flow(flow.space, norm_constants(norm, flow.values()))

    def _attention(self, name: str, module: attention.Attention, flow: Flow | None) -> Flow:
        flow = flow or Flow(self.space(None, "made by something that is no layer"))
        flow.space.settle(module.query.in_features)
        heads, outputs = self.space(module.heads), self.space(module.output.out_features)
        living = self.survivors.of(heads)
        mixed = attention.value_constants(module, flow, self.survivors)
        self.sites.append(Site(name, attention.as_module(module), flow, outputs, heads, mixed))
        self.uses.append(attention.input_use(module, flow, living))
        self.uses.append(attention.head_use(module, heads, mixed, self.survivors.of(outputs)))
        return Flow(outputs, attention.mixed_outputs(module, mixed, living))

    def _flow(self, argument: Any) -> Flow | None:
        return self.flows.get(argument) if isinstance(argument, fx.Node) else None

    def _first(self, node: fx.Node) -> Flow | None:
        return self._flow(node.args[0]) if node.args else None

    def _fix(self, node: fx.Node, why: str) -> None:
        for argument in node.all_input_nodes:
            flow = self.flows.get(argument)
            if flow is not None:
                flow.space.fix(why)


def _apply(function: Callable[[Tensor], Tensor], values: Tensor | None) -> Tensor | None:
    return None if values is None else function(values)


def _mean_over_space(node: fx.Node, kind: Any) -> bool:
    """Recognise a mean over the positions of images, which leaves channels apart."""
    if kind not in ("mean", torch.mean):
        return False
    dims = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    return dims in ((2, 3), [2, 3], (-1, -2), [-1, -2], (-2, -1), [-2, -1])
