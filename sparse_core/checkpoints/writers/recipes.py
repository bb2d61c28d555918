"""What lies beside the file: recipes and configurations that name a tool and a pattern."""

import re

from sparse_core.checkpoints.writers.compressed_tensors import WRITER as COMPRESSED_TENSORS
from sparse_core.checkpoints.writers.desk import Desk

_MODIFIER = re.compile(r"\b(\w*(?:SparseGPT|Wanda|Magnitude|ConstantPruning)\w*Modifier)\b")
_STRUCTURE = re.compile(r"mask_structure:\s*['\"]?(\d+:\d+)")


def name_recipes(desk: Desk) -> None:
    """Name llm-compressor by its recipe, and compressed-tensors by the model's configuration."""
    modifier = _MODIFIER.search(desk.beside.recipe)
    if modifier is not None:
        desk.sign("llm-compressor")
        structure = _STRUCTURE.search(desk.beside.recipe)
        pattern = f" with {structure[1]}" if structure else ""
        desk.say(f"recipe.yaml beside it names {modifier[1]}{pattern}.")
    if desk.beside.quantization.get("quant_method") == COMPRESSED_TENSORS:
        desk.sign(COMPRESSED_TENSORS)
        form = desk.beside.sparsity.get("format")
        structure_said = desk.beside.sparsity.get("sparsity_structure")
        if isinstance(form, str) and isinstance(structure_said, str):
            desk.say(f"config.json says sparsity {structure_said[:40]}, stored as {form[:40]}.")
