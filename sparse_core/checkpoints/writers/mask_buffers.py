"""Masks beside weights under one name or another: llm-compressor, SparseML, praxis, MaskLLM, ..."""

from sparse_core.checkpoints.rows import NonzeroMask, Row
from sparse_core.checkpoints.writers.codes import as_codes
from sparse_core.checkpoints.writers.desk import Desk
from sparse_core.checkpoints.writers.masked import masked_row

MASK_LLM = "MaskLLM"
_WEIGHT_WORDS = ("weight", "kernel", "weights", "w")


def fold_mask_llm(desk: Desk) -> None:
    """Fold ``X.mask`` and the learned choice among masks, ``X.diff_mask.*``."""
    for prefix in desk.named("gate"):
        if not prefix.endswith("diff_mask."):
            continue
        module = prefix.removesuffix("diff_mask.")
        choice = (f"{prefix}gate", f"{prefix}mask_options")
        row = masked_row(desk, f"{module}weight", f"{module}weight", f"{module}mask", *choice)
        if row is not None:
            desk.fold(row, MASK_LLM)


def fold_sparseml(desk: Desk) -> None:
    """Fold ``X.weight.sparsity_mask`` of SparseML's modifiers."""
    for prefix in desk.named("sparsity_mask"):
        name = prefix.removesuffix(".")
        row = masked_row(desk, name, name, f"{prefix}sparsity_mask")
        if row is not None:
            desk.fold(row, "SparseML")


def fold_praxis(desk: Desk) -> None:
    """Fold ``V_sparsity_mask`` and its companions of praxis."""
    if not any(suffix.endswith("_sparsity_mask") for suffix in desk.suffixes):
        return
    for mask in [name for name in desk.left if name.endswith("_sparsity_mask")]:
        name = mask.removesuffix("_sparsity_mask")
        companions = (f"{name}_sparsity_nz", f"{name}_sparsity_metadata")
        row = masked_row(desk, name, name, mask, *companions)
        if row is not None:
            desk.fold(row, "praxis")


def fold_plain_masks(desk: Desk) -> None:
    """Fold ``X.mask`` or ``X/mask`` beside a weight of the same shape."""
    endings = [suffix for suffix in desk.suffixes if suffix == "mask" or suffix.endswith("/mask")]
    for ending in endings:
        for prefix in desk.named(ending):
            module = (prefix + ending).removesuffix("mask")
            _fold_beside(desk, module)


def _fold_beside(desk: Desk, module: str) -> None:
    for word in _WEIGHT_WORDS:
        name = f"{module}{word}"
        row = masked_row(desk, name, name, f"{module}mask")
        if row is not None:
            recipe = desk.beside.recipe
            desk.fold(row, "llm-compressor" if "Modifier" in recipe else "masks beside weights")
            return


def fold_mask_tables(desk: Desk) -> None:
    """Give weights the masks of a table of their own: a sparsifier's state, ``{"masks": ...}``."""
    for key, mask in desk.findings.masks.items():
        for name in (key, f"{key}.weight"):
            weights = desk.source(name)
            if weights is not None and weights.shape == mask.shape:
                desk.fold(
                    Row(
                        name=name,
                        weights=weights,
                        mask=NonzeroMask(mask),
                        form="masked",
                        parts=(name,),
                        note="Its mask lies in a table of its own in the file.",
                    ),
                    "masks beside weights",
                )


def name_packed_masks(desk: Desk) -> None:
    """Say what MaskLLM's released ``mask_compressed.npz`` is: bits without weights."""
    if len(desk.named("mask")) < len(desk.left):
        return
    left = {name: desk.source(name) for name in desk.left}
    if left and all(
        source is not None and source.dtype.name == "uint8" and len(source.shape) == 1
        for source in left.values()
    ):
        desk.sign(f"{MASK_LLM} (masks only)")
        desk.say(
            "These are packed mask bits without weights, as MaskLLM releases them: open the "
            "weights that they belong to."
        )
        for name, source in left.items():
            if source is not None:
                desk.fold(Row(name=name, weights=as_codes(source), form="quantised", parts=(name,)))
