"""``torch.nn.utils.parametrize``: the weight is ``X.parametrizations.weight.original``.

With ``torch.ao.pruning`` (FakeSparsity) the mask is not in the model at all but in the state of
the sparsifier, which a training script may have saved beside it.
"""

import re

from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.rows import NonzeroMask, Row
from sparse_core.checkpoints.writers.desk import Desk

AO_PRUNING = "torch.ao.pruning"
_ORIGINAL = re.compile(r"(?P<module>.*\.)?parametrizations\.(?P<parameter>[^.]+)\.original")
_WITHOUT_MASK = (
    "The weight before its parametrization; whatever masks it is not in the file. If it was "
    "trained with an N:M mask, judge it with the rule 'projected'."
)


def fold(desk: Desk) -> None:
    """Fold each original, and the mask that belongs to it if there is one."""
    for prefix in desk.named("original"):
        original = f"{prefix}original"
        match = _ORIGINAL.fullmatch(original)
        weights = desk.source(original)
        if match is None or weights is None:
            continue
        name = f"{match['module'] or ''}{match['parameter']}"
        stored = [part for part in desk.left if part.startswith(prefix) and part.endswith(".mask")]
        mask = desk.source(stored[0]) if stored else desk.findings.masks.get(name)
        if mask is not None and mask.shape == weights.shape:
            desk.fold(_masked(name, original, weights, mask, stored[:1]))
            desk.sign("" if stored else AO_PRUNING)
        else:
            row = Row(
                name=name, weights=weights, form="latent", parts=(original,), note=_WITHOUT_MASK
            )
            desk.fold(row, "torch parametrizations")
    if "original0" in desk.suffixes:
        desk.say("Weights made of several parts (weight norm, ...) are listed part by part.")


def _masked(name: str, original: str, weights: Source, mask: Source, stored: list[str]) -> Row:
    return Row(
        name=name,
        weights=weights,
        mask=NonzeroMask(mask),
        form="masked",
        parts=(original, *stored),
    )
