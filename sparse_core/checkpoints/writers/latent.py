"""Methods whose files hold dense latent weights: the zeros are in none of their tensors."""

from sparse_core.checkpoints.rows import Row
from sparse_core.checkpoints.writers.desk import Desk

_NOTE = "A dense latent weight of {method}: its zeros appear with the rule 'projected'."
_SR_STE_KEYS = frozenset({"state_dict", "best_prec1", "optimizer", "epoch"})


def fold_lbc(desk: Desk) -> None:
    """Fold the scores (``alpha``) and combinations (``index_list``) of LBC."""
    for prefix in desk.named("index_list"):
        _fold(desk, prefix, "LBC", "alpha", "index_list")


def fold_supermask(desk: Desk) -> None:
    """Fold the scores of supermasks, which have the shape of the weight."""
    for prefix in desk.named("scores"):
        weight, scores = desk.source(f"{prefix}weight"), desk.source(f"{prefix}scores")
        if weight is not None and scores is not None and weight.shape == scores.shape:
            _fold(desk, prefix, "torchao supermask", "scores")


def fold_s_ste(desk: Desk) -> None:
    """Fold the scale that S-STE keeps for each linear weight, a single number."""
    prefixes = [prefix for prefix in desk.named("scale") if _is_s_ste(desk, prefix)]
    if len(prefixes) < len(desk.named("scale")):
        return
    for prefix in prefixes:
        _fold(desk, prefix, "S-STE", "scale")


def _is_s_ste(desk: Desk, prefix: str) -> bool:
    scale, weight = desk.source(f"{prefix}scale"), desk.source(f"{prefix}weight")
    return (
        scale is not None
        and weight is not None
        and scale.elements == 1
        and scale.dtype.family == "float"
        and len(weight.shape) == 2
        and weight.dtype.family == "float"
        and weight.dtype.itemsize > 1
    )


def _fold(desk: Desk, prefix: str, method: str, *companions: str) -> None:
    name = f"{prefix}weight"
    weights = desk.source(name)
    if weights is None:
        return
    parts = (name, *(prefix + one for one in companions if prefix + one in desk.left))
    note = _NOTE.format(method=method)
    desk.fold(Row(name=name, weights=weights, form="latent", parts=parts, note=note), method)


def name_scripts(desk: Desk) -> None:
    """Name the training scripts that leave marks outside of the model."""
    words, values = desk.findings.words, desk.findings.values
    if words >= _SR_STE_KEYS and isinstance(values.get("model"), str):
        desk.sign("NM-sparsity (SR-STE)")
        desk.say(
            "Looks like a file of the NM-sparsity scripts, whose weights are dense latents: judge "
            "them with the rule 'projected'."
        )
    if words >= {"exp_avg_sq_last", "preconditioned_variance"}:
        desk.sign("STEP")
        desk.say("STEP keeps dense latent weights: judge them with the rule 'projected'.")
    if any(word.startswith(("SparseConv", "SparseLinear")) for word in words):
        desk.sign("DominoSearch")
        desk.say("DominoSearch keeps dense latent weights and an N:M for each layer.")
    if words >= {"dense_allocation", "backward_masks"}:
        desk.sign("rigl-torch")
    if words >= {"prox_type", "group_type"}:
        desk.sign("torchao PAT")
    if words >= {"state_dict", "recipe", "arch_key"}:
        desk.sign("SparseML")
