"""What a checkpoint says about itself: the pattern its writer meant, and whether it is latent.

Two writers say so: our own (words in the file's metadata, see ``checkpoints.own``) and
compressed-tensors (``sparsity_config`` in the ``config.json`` beside it).
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from sparse_core.checkpoints import own
from sparse_core.errors import PatternError
from sparse_core.patterns import AXES, Axis, NMPattern

LAYERS = "sparsescope.layers"
"""The sparse layers, a JSON array of names; absent where the writer did not list them."""


class Claim(msgspec.Struct, frozen=True):
    """What a checkpoint claims of its weights.

    Attributes
    ----------
    pattern : NMPattern or None
        The pattern meant.
    latent : bool
        Whether the weights are dense latent ones that the network projects.
    layers : tuple of str or None
        Names or globs of the layers meant; None where the file does not list them: then the
        claim is taken for layers that hold zeros or are latent, never for plainly dense ones.
    spared : tuple of str
        Names or globs of layers that are exempt.
    """

    pattern: NMPattern | None = None
    latent: bool = False
    layers: tuple[str, ...] | None = None
    spared: tuple[str, ...] = ()

    def lists(self, name: str) -> bool | None:
        """Say whether the claim is about this tensor; None where the file does not tell."""
        if any(_names(glob, name) for glob in self.spared):
            return False
        if self.layers is None:
            return None
        return any(_names(glob, name) for glob in self.layers)


def claim_of(metadata: Mapping[str, str], config: Mapping[str, Any]) -> Claim:
    """Read what a checkpoint says about itself.

    Parameters
    ----------
    metadata : mapping
        The file's own metadata.
    config : mapping
        The ``config.json`` beside it, empty without one.

    Returns
    -------
    Claim
        An empty one where nothing is said, or nothing that can be understood.
    """
    own = _own(metadata)
    return own if own.pattern is not None else _compressed_tensors(config)


def _own(metadata: Mapping[str, str]) -> Claim:
    """Read our own metadata."""
    pattern = _pattern(metadata.get(own.PATTERN, ""), metadata.get(own.AXIS, "in"))
    if pattern is None:
        return Claim()
    return Claim(pattern, metadata.get(own.RULE) == own.PROJECTED, _listed(metadata))


def _listed(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Read the list of sparse layers, a JSON array of names."""
    try:
        return msgspec.json.decode(metadata.get(LAYERS, ""), type=tuple[str, ...])
    except msgspec.DecodeError:
        return None


def _compressed_tensors(config: Mapping[str, Any]) -> Claim:
    """Read the sparsity part of a quantisation config."""
    outer = config.get("quantization_config") or config.get("compression_config")
    sparsity = outer.get("sparsity_config") if isinstance(outer, Mapping) else None
    if not isinstance(sparsity, Mapping):
        return Claim()
    pattern = _pattern(str(sparsity.get("sparsity_structure", "")), "in")
    ignored = sparsity.get("ignore")
    spared = tuple(map(str, ignored)) if isinstance(ignored, list | tuple) else ()
    return Claim(pattern, spared=spared)


def _pattern(text: str, axis: str) -> NMPattern | None:
    """Read a pattern; what is none says nothing."""
    for known in AXES:
        if axis == known:
            return _parsed(text, known)
    return None


def _parsed(text: str, axis: Axis) -> NMPattern | None:
    """Parse a pattern, or give None."""
    try:
        return NMPattern.parse(text, axis)
    except PatternError:
        return None


def _names(glob: str, name: str) -> bool:
    """Say whether an entry names a tensor: its name, its module, or a glob."""
    return fnmatchcase(name, glob) or name.removesuffix(".weight") == glob
