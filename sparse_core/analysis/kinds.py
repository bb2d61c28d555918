"""What a tensor is for, told from its name and shape by one table.

A kind is *known* when the name says it without doubt, when a neighbour confirms it (the length of
a bias tells which side is the output) or when the user said it; otherwise it is *assumed*.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgspec

from sparse_core.dtypes import DType
from sparse_core.errors import PatternError
from sparse_core.messages import ScanOptions
from sparse_core.patterns import AXES, Axis

KINDS = (
    "linear",
    "conv",
    "experts",
    "embedding",
    "norm",
    "bias",
    "buffer",
    "recurrent",
    "quantised",
    "other",
)
PRUNABLE_KINDS = frozenset({"linear", "conv", "experts"})

Shape = tuple[int, ...]


class Kind(msgspec.Struct, frozen=True):
    """What a tensor is.

    Attributes
    ----------
    name : str
        One of ``KINDS``.
    input_dim : int or None
        The dimension that holds the inputs of a weight; None where there is none.
    known : bool
        False where it is only the likeliest reading.
    """

    name: str
    input_dim: int | None = None
    known: bool = True


class Listed(Protocol):
    """What the table needs to know of a tensor in a listing."""

    @property
    def shape(self) -> Shape:
        """Its dimensions."""

    @property
    def quantised(self) -> bool:
        """Whether its elements are words of a quantised format, not weights."""

    @property
    def storage(self) -> object:
        """What is equal for tensors that share one storage."""


class Near(NamedTuple):
    """What the table asks about the rest of the listing, for one tensor.

    Attributes
    ----------
    quantised, tied : bool
        Whether it holds quantised words, and whether it shares the storage of an embedding.
    normed : bool
        Whether there is a ``running_mean`` beside a vector.
    bias : tuple of int or None
        Shape of the tensor that has ``bias`` in place of its ``weight``.
    own_bias, up, down : tuple of int or None
        Beside fused experts: shape of what is called the same with ``_bias`` behind it, and of
        the partners with ``gate_up_proj`` and ``down_proj`` in the name (maybe itself).
    routed : bool
    inputs_first : bool or None
        See ``Facts``.
    """

    quantised: bool = False
    tied: bool = False
    normed: bool = False
    bias: Shape | None = None
    own_bias: Shape | None = None
    up: Shape | None = None
    down: Shape | None = None
    routed: bool = False
    inputs_first: bool | None = None


class Facts(msgspec.Struct, frozen=True):
    """What the whole listing says about its tensors.

    Attributes
    ----------
    shapes : mapping
        Name -> shape of every tensor of the model.
    quantised, tied : frozenset of str
        Names of quantised words, and of tensors that share the storage of an embedding.
    routed : bool
        Whether there are experts, so that a ``gate`` is a router.
    inputs_first : bool or None
        Whether ``c_attn``, ``c_fc`` and ``c_proj`` are GPT-2's Conv1D, stored (in, out); None
        where the file does not say.
    """

    shapes: Mapping[str, Shape] = msgspec.field(default_factory=dict)
    quantised: frozenset[str] = frozenset()
    tied: frozenset[str] = frozenset()
    routed: bool = False
    inputs_first: bool | None = None


_SEPARATOR = re.compile(r"[./]")
_EMBEDDING = re.compile(
    r"(^|_)(embed|embedding|embeddings|embedder|emb|wte|wpe|lookup)(_|$)|^embed_tokens|^pos_embed"
    r"|^relative_attention_bias$|^relative_position_bias_table$|^tok_embeddings$"
)
_NOT_EMBEDDING = re.compile(r"proj|linear|mapping|conv|dense|fc|^embed_out$|norm|ln")
_NORM = re.compile(
    r"norm|(^|_)(ln|bn|gn|rms)(_|\d|$)|layernorm|batchnorm|^gamma$|^beta$",
    re.IGNORECASE,
)
_LINEAR = re.compile(
    r"proj|linear|(^|_)(fc|lin|mlp|ffn|mapping|dense|query|key|value|qkv|head|classifier|decoder|pooler"
    r"|to_[qkv]|w[123qkvo]|out)(_|\d|$)|^(q|k|v|o|up|down|lm_head|score|wi|wo|embed_out"
    r"|dense_h_to_4h|dense_4h_to_h|lora_[ab])$",
    re.IGNORECASE,
)
_CONV = re.compile(r"conv|patch_embed|downsample|shortcut|stem|cnn")
_TRANSPOSED = re.compile(
    r"transpose|deconv|upconv|up_conv|conv_?t(r)?(\d|_|$)|(^|\.)ups\.|unpool", re.IGNORECASE
)
_EXPERTS = re.compile(r"experts?(\.|/|_|$)|(^|[./_])moe([./_]|$)")
_ROUTER = re.compile(r"(^|_)router(_|$)|^(gate|wg|switch)$")
_RECURRENT = re.compile(r"^weight_(ih|hh|hr)(_l?\d+.*)?$|^recurrent_kernel$")
_BIAS = re.compile(r"(^|_)bias(es)?(_|$)|^b$")
_BUFFER = re.compile(
    r"^(running_(mean|var)|num_batches_tracked|position_ids|token_type_ids|inv_freq|masked_bias"
    r"|attn_mask|causal_mask|relative_position_index|index_list|moving_(mean|variance))$"
)
_TOKEN = re.compile(r"(^|_)(token|tokens|queries|latents)$|^A_log$|_scale$|_index$")
_INPUTS_FIRST_CONV1D = re.compile(r"^(c_attn|q_attn|c_fc|c_proj)$")

_LONGEST_KERNEL = 31
"""A nameless three-dimensional weight whose last side is longer is hardly a convolution."""


def facts_of(tensors: Mapping[str, Listed]) -> Facts:
    """Gather what the whole listing says.

    Parameters
    ----------
    tensors : mapping
        Name -> tensor, as a checkpoint lists them.
    """
    shapes = {name: info.shape for name, info in tensors.items()}
    embedded = {info.storage for name, info in tensors.items() if _is_embedding(name, info.shape)}
    return Facts(
        shapes=shapes,
        quantised=frozenset(name for name, info in tensors.items() if info.quantised),
        tied=frozenset(name for name, info in tensors.items() if info.storage in embedded),
        routed=any(_EXPERTS.search(name) for name in shapes),
        inputs_first=_conv1d_votes(shapes),
    )


def kind_of(
    name: str,
    shape: Shape,
    dtype: DType,
    options: ScanOptions | None = None,
    facts: Facts | None = None,
) -> Kind:
    """Say what a tensor is.

    Parameters
    ----------
    name : str
        Its plain name, parts joined by ``.`` or ``/``.
    shape : tuple of int
    dtype : DType
    options : ScanOptions, optional
        Its ``kinds`` and the numbers among its ``axes`` override the table.
    facts : Facts, optional
        What the rest of the listing says.

    Raises
    ------
    PatternError
        If an override names a kind or a dimension that does not exist.
    """
    options, facts = options or ScanOptions(), facts or Facts()
    said = _matched(name, options.kinds)
    if said is None:
        kind = _from_table(_template(name), shape, dtype, _near(name, shape, facts))
    else:
        kind = _said(said, name, shape)
    dimension = _matched(name, options.axes)
    if dimension is None or dimension in AXES:
        return kind
    return Kind(kind.name, _dimension(dimension, name, shape), known=True)


def axis_of(name: str, options: ScanOptions) -> Axis | None:
    """Give the group axis that the user set for this tensor by name, or None."""
    said = _matched(name, options.axes)
    for axis in AXES:
        if said == axis:
            return axis
    return None


def _matched(name: str, overrides: Sequence[tuple[str, str]]) -> str | None:
    """Give the value of the first override whose glob matches."""
    for glob, value in overrides:
        if fnmatchcase(name, glob):
            return value
    return None


def _said(kind: str, name: str, shape: Shape) -> Kind:
    """Take the user's word for a kind."""
    if kind not in KINDS:
        raise PatternError(f"{kind!r} is no kind: write one of {', '.join(KINDS)}.")
    if kind not in PRUNABLE_KINDS | {"recurrent"}:
        return Kind(kind)
    if len(shape) < (3 if kind == "experts" else 2):
        raise PatternError(f"{name} has {len(shape)} dimensions, too few for kind {kind}.")
    return Kind(kind, 2 if kind == "experts" else 1)


def _dimension(text: str, name: str, shape: Shape) -> int:
    """Read the number of an input dimension."""
    if not (text.isascii() and text.isdigit()):
        raise PatternError(
            f"{text!r} is no axis: write in, out, kernel or the number of the input dimension."
        )
    if int(text) >= len(shape):
        raise PatternError(f"{name} has {len(shape)} dimensions: there is no dimension {text}.")
    return int(text)


def _near(name: str, shape: Shape, facts: Facts) -> Near:
    """Look up what the table asks about the rest of the listing."""
    shapes = facts.shapes
    bias = shapes.get(f"{name.removesuffix('weight')}bias")
    normed, own_bias, up, down = False, None, None, None
    if len(shape) == 1:
        path = _SEPARATOR.sub(".", name).rpartition(".")[0]
        normed = f"{path}.running_mean" in shapes
    elif len(shape) == 3:
        own_bias = shapes.get(f"{name}_bias")
        up = shapes.get(name.replace("down_proj", "gate_up_proj"))
        down = shapes.get(name.replace("gate_up_proj", "down_proj"))
    return Near(
        name in facts.quantised,
        name in facts.tied,
        normed,
        bias,
        own_bias,
        up,
        down,
        facts.routed,
        facts.inputs_first,
    )


def _template(name: str) -> tuple[str, ...]:
    """Cut off the last two words of a name, and make all numbers in the rest 0.

    No rule of the table reads a word that is a number, so that layers and experts that differ in
    their numbers alone are told once.
    """
    head, *words = name.rsplit(".", 2)
    return (_without_numbers(head), *words) if len(words) == 2 else (name,)


@lru_cache(maxsize=1 << 15)
def _without_numbers(head: str) -> str:
    """Write every word that is a number as 0."""
    return ".".join(["0" if word.isdigit() else word for word in head.split(".")])


@lru_cache(maxsize=1 << 13)
def _from_table(template: tuple[str, ...], shape: Shape, dtype: DType, near: Near) -> Kind:
    """Read names and shapes; only on what is given here may the answer depend."""
    if near.quantised:
        return Kind("quantised")
    name = ".".join(template)
    *path, leaf = _SEPARATOR.split(name)
    module = path[-1] if path else ""
    plain = _from_leaf(name, leaf, module, shape, dtype)
    if plain is not None:
        return plain
    if len(shape) < 2:
        return _vector(leaf, module, shape, near)
    if _is_embedding(name, shape) or near.tied:
        return Kind("embedding")
    if _TOKEN.search(leaf):
        return Kind("other", known=False)
    return _weight(name, leaf, module, shape, near)


def _from_leaf(name: str, leaf: str, module: str, shape: Shape, dtype: DType) -> Kind | None:
    """Tell buffers, biases and what holds no weights by format and last word."""
    if _BUFFER.search(leaf) or dtype.family == "bool" or dtype.name == "int64":
        return Kind("buffer", known=bool(_BUFFER.search(leaf)))
    if _BIAS.search(leaf) and not _is_embedding(name, shape):
        causal = len(shape) == 4 and shape[:2] == (1, 1)
        return Kind("buffer" if causal else "bias")
    if dtype.family == "complex":
        return Kind("other", known=False)
    if dtype.family in ("int", "uint") and dtype.name != "int8":
        return Kind("quantised" if module else "other", known=False)
    return None


def _vector(leaf: str, module: str, shape: Shape, near: Near) -> Kind:
    """Tell what has less than two dimensions and is no bias."""
    if len(shape) == 1 and leaf in ("weight", "gamma", "beta", "scale"):
        named = bool(_NORM.search(module) or _NORM.search(leaf))
        return Kind("norm", known=named or near.normed)
    if _EMBEDDING.search(leaf) or _EMBEDDING.search(module):
        return Kind("embedding", known=False)
    return Kind("other", known=False)


def _weight(name: str, leaf: str, module: str, shape: Shape, near: Near) -> Kind:
    """Tell what a tensor of two dimensions or more multiplies."""
    if _RECURRENT.search(leaf):
        return Kind("recurrent", 1 if leaf.startswith("weight") else 0)
    if near.routed and _ROUTER.search(module if leaf in ("weight", "kernel") else leaf):
        return Kind("other")
    if leaf == "kernel":
        return _jax_kernel(shape)
    if len(shape) == 2:
        return _matrix(name, leaf, module, shape, near)
    if len(shape) == 3 and _EXPERTS.search(name):
        return _experts(shape, near)
    if len(shape) == 3 and not _CONV.search(name) and shape[2] > _LONGEST_KERNEL:
        return Kind("other", known=False) if shape[0] == 1 else Kind("experts", 2, known=False)
    return _convolution(name, shape, near) if len(shape) <= 5 else Kind("other", known=False)


def _jax_kernel(shape: Shape) -> Kind:
    """Tell a JAX kernel: inputs before outputs, at the end."""
    return Kind("linear" if len(shape) == 2 else "conv", len(shape) - 2)


def _matrix(name: str, leaf: str, module: str, shape: Shape, near: Near) -> Kind:
    """Tell which side of a matrix is the input."""
    if _INPUTS_FIRST_CONV1D.search(module) and leaf == "weight":
        return _gpt2(name, shape, near)
    if leaf == "text_projection" or (leaf == "proj" and module == "visual"):
        return Kind("linear", 0)
    side = _input_side_by_bias(name, shape, near)
    if side is not None:
        return Kind("linear", side)
    named = _LINEAR.search(module) or (leaf != "weight" and _LINEAR.search(leaf))
    return Kind("linear", 1, known=bool(named))


def _gpt2(name: str, shape: Shape, near: Near) -> Kind:
    """Tell GPT-2's Conv1D (in, out) from linear layers of the same names."""
    side = _input_side_by_bias(name, shape, near)
    if side is not None:
        return Kind("linear", side)
    if near.inputs_first is None:
        return Kind("linear", 0, known=False)
    return Kind("linear", 0 if near.inputs_first else 1)


def _input_side_by_bias(name: str, shape: Shape, near: Near) -> int | None:
    """Find the input side from the length of the bias, which is that of the output side."""
    bias = near.bias if "weight" in name else None
    if bias is None or len(bias) != 1 or shape[0] == shape[1] or bias[0] not in shape[:2]:
        return None
    return 1 if bias[0] == shape[0] else 0


def _experts(shape: Shape, near: Near) -> Kind:
    """Tell which side of fused experts is the input: (E, out, in) unless something says not."""
    for bias in (near.own_bias, near.bias):
        if bias and shape[1] != shape[2] and bias[-1] in shape[1:]:
            return Kind("experts", 2 if bias[-1] == shape[1] else 1)
    partner = near.down
    if partner is not None and partner != shape and len(partner) == 3:
        if (shape[1], shape[2]) == (2 * partner[2], partner[1]):
            return Kind("experts", 2)
        if (shape[1], shape[2]) == (partner[2], 2 * partner[1]):
            return Kind("experts", 1)
    partner = near.up
    if partner is not None and partner != shape and len(partner) == 3:
        if (partner[1], partner[2]) == (2 * shape[2], shape[1]):
            return Kind("experts", 2)
        if (partner[1], partner[2]) == (shape[2], 2 * shape[1]):
            return Kind("experts", 1)
    return Kind("experts", 2, known=False)


def _convolution(name: str, shape: Shape, near: Near) -> Kind:
    """Tell a convolution (O, I, ...) from a transposed one (I, O, ...)."""
    side = _input_side_by_bias(name, shape, near)
    if side == 0 or (side is None and _TRANSPOSED.search(name)):
        return Kind("conv", 0)
    named = len(shape) > 3 or bool(_CONV.search(name))
    return Kind("conv", 1, known=named or side == 1)


def _is_embedding(name: str, shape: Shape) -> bool:
    """Tell a table of vectors from the word before ``weight``, or the last one."""
    if not 2 <= len(shape) <= 3:
        return False
    *path, leaf = name.replace("/", ".").rsplit(".", 2)
    if leaf == "embedding":
        return True
    return _means_embedding(path[-1] if path and leaf == "weight" else leaf)


@lru_cache(maxsize=1 << 12)
def _means_embedding(word: str) -> bool:
    """Tell the word for a table of vectors."""
    return bool(_EMBEDDING.search(word)) and not _NOT_EMBEDDING.search(word)


def _conv1d_votes(shapes: Mapping[str, Shape]) -> bool | None:
    """Let the wide ``c_attn`` and ``c_fc`` say whether this file is GPT-2's (in, out)."""
    votes = 0
    for name, shape in shapes.items():
        if len(shape) == 2 and name.endswith(("c_attn.weight", "c_fc.weight", "q_attn.weight")):
            votes += (shape[1] > shape[0]) - (shape[0] > shape[1])
    return None if votes == 0 else votes > 0


def is_prunable_kind(kind: Kind) -> bool:
    """Whether weights of this kind can be pruned to a pattern at all."""
    return kind.name in PRUNABLE_KINDS


def check_overrides(options: ScanOptions, names: Collection[str]) -> None:
    """Refuse overrides that can never mean anything.

    Raises
    ------
    PatternError
        If a kind or an axis does not exist, or a glob matches no tensor.
    """
    for glob, kind in options.kinds:
        if kind not in KINDS:
            raise PatternError(f"{kind!r} is no kind: write one of {', '.join(KINDS)}.")
        _must_match(glob, names)
    for glob, axis in options.axes:
        if axis not in AXES and not (axis.isascii() and axis.isdigit()):
            raise PatternError(
                f"{axis!r} is no axis: write in, out, kernel or the number of the input dimension."
            )
        _must_match(glob, names)


def _must_match(glob: str, names: Collection[str]) -> None:
    """Refuse a glob that matches nothing: most likely it is misspelt."""
    if not any(fnmatchcase(name, glob) for name in names):
        raise PatternError(f"No tensor is called {glob!r}: the override would change nothing.")
