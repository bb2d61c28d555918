"""Masks and packed forms of other tools: one row under the plain name each."""

import json
import warnings

import numpy as np
import pytest
import torch
from checkpoint_oracle import bits_of, random_tensor
from safetensors.torch import save_file
from torch.nn.utils import parametrize, prune
from torch.sparse import SparseSemiStructuredTensorCUTLASS
from torch.sparse._semi_structured_conversions import sparse_semi_structured_from_dense_cutlass

from sparse_core.checkpoints import Checkpoint, open_checkpoint


def mask_24(rows: int, columns: int) -> torch.Tensor:
    return torch.tensor([True, False, False, True]).repeat(rows, columns // 4)


def open_tensors(tmp_path, tensors: dict[str, torch.Tensor], **files: str) -> Checkpoint:
    save_file({name: t.clone() for name, t in tensors.items()}, tmp_path / "model.safetensors")
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return open_checkpoint(tmp_path / "model.safetensors")


def assert_masked(checkpoint: Checkpoint, name: str, weight: torch.Tensor, mask: torch.Tensor):
    info = checkpoint.tensors[name]
    assert info.form == "masked"
    assert info.has_mask
    assert info.shape == tuple(weight.shape)
    assert checkpoint.read(name).tobytes() == bits_of(weight)
    bits = checkpoint.read_mask(name)
    assert bits.dtype == np.bool_
    assert (bits == mask.bool().numpy().ravel()).all()
    assert (checkpoint.read_mask(name, 1, 3) == bits[1:3]).all()


def test_torch_prune(tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Conv2d(2, 3, 3))
    prune.random_unstructured(network[0], "weight", 0.5)
    prune.random_unstructured(network[0], "bias", 0.5)
    prune.l1_unstructured(network[1], "weight", 0.3)
    torch.save(network.state_dict(), tmp_path / "pruned.pt")
    with open_checkpoint(tmp_path / "pruned.pt") as checkpoint:
        assert checkpoint.writer == "torch.nn.utils.prune"
        assert list(checkpoint.tensors) == ["0.bias", "0.weight", "1.bias", "1.weight"]
        assert checkpoint.tensors["0.weight"].stored_as == ("0.weight_orig", "0.weight_mask")
        assert_masked(checkpoint, "0.weight", network[0].weight_orig, network[0].weight_mask)
        assert_masked(checkpoint, "1.weight", network[1].weight_orig, network[1].weight_mask)
        assert_masked(checkpoint, "0.bias", network[0].bias_orig, network[0].bias_mask)
        assert checkpoint.summary.tensors == 4
        assert checkpoint.summary.other_tensors == 3
        assert checkpoint.read_mask("1.bias") is None


def test_torch_ao_pruning_with_its_sparsifier(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.ao.pruning import WeightNormSparsifier

        network = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 4))
        sparsifier = WeightNormSparsifier(1.0, (1, 4), 2)
        sparsifier.prepare(network, [{"tensor_fqn": "0.weight"}])
        sparsifier.step()
    mask = sparsifier.state_dict()["state"]["0.weight"]["mask"]
    torch.save(
        {"model": network.state_dict(), "sparsifier": sparsifier.state_dict()}, tmp_path / "ao.pt"
    )
    torch.save(network.state_dict(), tmp_path / "alone.pt")
    original = network[0].parametrizations.weight.original
    with open_checkpoint(tmp_path / "ao.pt") as checkpoint:
        assert checkpoint.writer == "torch.ao.pruning"
        assert mask.sum() == 32
        assert_masked(checkpoint, "0.weight", original, mask)
    with open_checkpoint(tmp_path / "alone.pt") as checkpoint:
        info = checkpoint.tensors["0.weight"]
        assert info.form == "latent"
        assert "not in the file" in info.note
        assert checkpoint.read("0.weight").tobytes() == bits_of(original)


def test_weight_norm_is_left_in_parts(tmp_path):
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(4, 4))
    assert parametrize.is_parametrized(layer)
    torch.save(layer.state_dict(), tmp_path / "norm.pt")
    with open_checkpoint(tmp_path / "norm.pt") as checkpoint:
        assert "parametrizations.weight.original1" in checkpoint.tensors
        assert any("part by part" in note for note in checkpoint.summary.notes)


def test_apex_asp(tmp_path):
    weight, mask = random_tensor(torch.float16, 4, 8), mask_24(4, 8)
    tensors = {
        "fc.weight": weight,
        "fc.__weight_mma_mask": mask,
        "fc.__weight_mma_pruned_p": weight,
        "mha.in_proj_weight": weight,
        "mha.__in_proj_weight_mma_mask": mask,
        "fc.bias": torch.ones(4),
    }
    with open_tensors(tmp_path, tensors) as checkpoint:
        assert checkpoint.writer == "apex ASP"
        assert set(checkpoint.tensors) == {"fc.weight", "mha.in_proj_weight", "fc.bias"}
        assert "fc.__weight_mma_pruned_p" in checkpoint.tensors["fc.weight"].stored_as
        assert_masked(checkpoint, "fc.weight", weight, mask)
        assert_masked(checkpoint, "mha.in_proj_weight", weight, mask)


def test_modelopt(tmp_path):
    weight, mask = random_tensor(torch.bfloat16, 4, 8), mask_24(4, 8)
    state = {"fc.weight": weight, "fc._weight_mask": mask}
    saved = {
        "modelopt_state": {"modelopt_state_dict": [("sparsegpt", {})], "modelopt_version": "0.4"},
        "model_state_dict": state,
    }
    torch.save(saved, tmp_path / "modelopt.pth")
    with open_checkpoint(tmp_path / "modelopt.pth") as checkpoint:
        assert checkpoint.writer == "NVIDIA Model-Optimizer"
        assert checkpoint.container == "model_state_dict"
        assert_masked(checkpoint, "fc.weight", weight, mask)
    with open_tensors(tmp_path, {"w": weight}, modelopt_state__pth="") as checkpoint:
        assert checkpoint.writer == "NVIDIA Model-Optimizer"


@pytest.mark.parametrize(
    ("weight_name", "mask_name", "writer"),
    [
        ("fc.weight", "fc.mask", "masks beside weights"),
        ("fc.weight", "fc.weight.sparsity_mask", "SparseML"),
        ("dense/kernel", "dense/kernel_sparsity_mask", "praxis"),
        ("dense/kernel", "dense/mask", "masks beside weights"),
    ],
)
def test_masks_under_other_names(tmp_path, weight_name, mask_name, writer):
    weight, mask = random_tensor(torch.float32, 4, 8), mask_24(4, 8)
    with open_tensors(tmp_path, {weight_name: weight, mask_name: mask}) as checkpoint:
        assert checkpoint.writer == writer
        assert list(checkpoint.tensors) == [weight_name]
        assert_masked(checkpoint, weight_name, weight, mask)


def test_llm_compressor_is_named_by_its_recipe(tmp_path):
    weight = random_tensor(torch.float32, 4, 8)
    recipe = "s:\n  m:\n    SparseGPTModifier:\n      mask_structure: '2:4'\n"
    with open_tensors(
        tmp_path, {"fc.weight": weight, "fc.mask": mask_24(4, 8)}, recipe__yaml=recipe
    ) as checkpoint:
        assert checkpoint.writer == "llm-compressor"
        assert "SparseGPTModifier with 2:4" in " ".join(checkpoint.summary.notes)


def test_a_mask_of_another_shape_is_a_tensor_of_its_own(tmp_path):
    """Attention masks are no pruning masks."""
    tensors = {"attn.weight": torch.ones(4, 8), "attn.mask": torch.ones(16, 16)}
    with open_tensors(tmp_path, tensors) as checkpoint:
        assert set(checkpoint.tensors) == {"attn.weight", "attn.mask"}
        assert not checkpoint.tensors["attn.weight"].has_mask


def test_mask_llm(tmp_path):
    weight, mask = random_tensor(torch.bfloat16, 4, 8), mask_24(4, 8)
    state = {
        "fc.weight": weight,
        "fc.mask": mask,
        "fc.diff_mask.gate": torch.ones(8, 6),
        "fc.diff_mask.mask_options": torch.ones(6, 4),
    }
    torch.save({"model": {"language_model": {"encoder": state}}}, tmp_path / "model_optim_rng.pt")
    with open_checkpoint(tmp_path / "model_optim_rng.pt") as checkpoint:
        assert checkpoint.writer == "MaskLLM"
        assert list(checkpoint.tensors) == ["language_model.encoder.fc.weight"]
        assert_masked(checkpoint, "language_model.encoder.fc.weight", weight, mask)


def test_the_masks_that_mask_llm_releases(tmp_path):
    np.savez(tmp_path / "mask_compressed.npz", **{"fc.weight.mask": np.packbits(np.eye(8) > 0)})
    with open_checkpoint(tmp_path / "mask_compressed.npz") as checkpoint:
        assert "MaskLLM" in checkpoint.writer
        assert checkpoint.tensors["fc.weight.mask"].quantised


def test_masks_in_a_table_of_their_own(tmp_path):
    weight, mask = random_tensor(torch.float32, 4, 8), mask_24(4, 8)
    torch.save(
        {"state_dict": {"fc.weight": weight}, "masks": {"fc": mask}, "epoch": 3}, tmp_path / "m.pt"
    )
    with open_checkpoint(tmp_path / "m.pt") as checkpoint:
        assert_masked(checkpoint, "fc.weight", weight, mask)
        assert checkpoint.summary.other_tensors == 1


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("columns", [16, 12])
def test_sparse_24_bitmask(tmp_path, nested, columns):
    kept = mask_24(6, columns)
    dense = torch.where(kept, random_tensor(torch.bfloat16, 6, columns) + 1, 0)
    prefix = "fc.weight." if nested else "fc."
    tensors = {
        f"{prefix}shape": torch.tensor([[6], [columns]]),
        f"{prefix}compressed": dense[kept].reshape(6, columns // 2),
        f"{prefix}bitmask": torch.from_numpy(np.packbits(kept.numpy(), 1, bitorder="little")),
        "fc.bias": torch.ones(6),
    }
    config = {
        "quantization_config": {
            "quant_method": "compressed-tensors",
            "sparsity_config": {"format": "sparse-24-bitmask", "sparsity_structure": "2:4"},
        }
    }
    with open_tensors(tmp_path, tensors, config__json=json.dumps(config)) as checkpoint:
        info = checkpoint.tensors["fc.weight"]
        assert checkpoint.writer == "compressed-tensors"
        assert info.form == "packed"
        assert info.shape == (6, columns)
        assert len(info.stored_as) == 3
        assert info.bytes < dense.nbytes
        assert checkpoint.read("fc.weight").tobytes() == bits_of(dense)
        flat = checkpoint.read("fc.weight")
        assert (checkpoint.read("fc.weight", 5, 41) == flat[5:41]).all()
        assert (checkpoint.read_mask("fc.weight", 5, 41) == kept.numpy().ravel()[5:41]).all()
        assert checkpoint.config == config
        assert any("2:4" in note for note in checkpoint.summary.notes)


@pytest.mark.parametrize("columns", [16, 9])
def test_sparse_bitmask(tmp_path, columns):
    dense = random_tensor(torch.float16, 50, columns)
    kept = dense != 0
    counts = kept.sum(1)
    tensors = {
        "fc.shape": torch.tensor([50, columns]),
        "fc.compressed": dense[kept],
        "fc.bitmask": torch.from_numpy(np.packbits(kept.numpy(), 1, bitorder="little")),
        "fc.row_offsets": counts.cumsum(0) - counts,
    }
    with open_tensors(tmp_path, tensors) as checkpoint:
        flat = checkpoint.read("fc.weight")
        assert flat.tobytes() == bits_of(torch.where(kept, dense, 0))
        for start, stop in ((0, 1), (7, 100), (columns, 3 * columns), (49 * columns, 50 * columns)):
            assert checkpoint.read("fc.weight", start, stop).tobytes() == flat[start:stop].tobytes()
        assert (checkpoint.read_mask("fc.weight") == kept.numpy().ravel()).all()


def test_damaged_packed_weights_are_told(tmp_path):
    from sparse_core.errors import CheckpointError

    bits = torch.full((4, 2), 0xFF, dtype=torch.uint8)
    tensors = {
        "fc.shape": torch.tensor([4, 16]),
        "fc.compressed": torch.ones(4, 8),
        "fc.bitmask": bits,
    }
    with (
        open_tensors(tmp_path, tensors) as checkpoint,
        pytest.raises(CheckpointError, match="does not keep half"),
    ):
        checkpoint.read("fc.weight")
    with pytest.raises(CheckpointError, match="does not fit its bitmask"):
        open_tensors(tmp_path, tensors | {"fc.shape": torch.tensor([4, 999])})


@pytest.mark.parametrize(
    ("extra", "word"),
    [("scale_packed", "marlin-24"), ("weight_scale", "pack-quantized")],
)
def test_quantised_words_are_named_and_not_judged(tmp_path, extra, word):
    words = torch.ones(4, 8, dtype=torch.int32)
    tensors = {"fc.weight_packed": words, f"fc.{extra}": torch.ones(4), "fc.meta": torch.ones(2)}
    with open_tensors(tmp_path, tensors) as checkpoint:
        info = checkpoint.tensors["fc.weight"]
        assert info.quantised
        assert info.form == "quantised"
        assert word in info.note
        assert checkpoint.summary.tensors == 1


@pytest.mark.filterwarnings("ignore:The PyTorch API of SparseSemiStructuredTensor")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int8, torch.float32])
def test_torch_semi_structured(tmp_path, dtype):
    kept = torch.tensor([True, False]).repeat(32, 64)
    dense = torch.where(kept, torch.ones(32, 128, dtype=dtype) * 3, 0)
    packed, meta = sparse_semi_structured_from_dense_cutlass(dense)
    weight = SparseSemiStructuredTensorCUTLASS(
        dense.shape, packed=packed, meta=meta, packed_t=None, meta_t=None,
        compressed_swizzled_bitmask=None,
    )  # fmt: skip
    torch.save({"fc.weight": weight, "fc.bias": torch.ones(32)}, tmp_path / "semi.pt")
    with open_checkpoint(tmp_path / "semi.pt") as checkpoint:
        info = checkpoint.tensors["fc.weight"]
        assert checkpoint.writer == "torch semi-structured"
        assert (info.form, info.shape, info.quantised) == ("packed", (32, 128), False)
        assert checkpoint.read("fc.weight").tobytes() == bits_of(dense)
        assert checkpoint.read("fc.weight", 130, 700).tobytes() == bits_of(
            dense.reshape(-1)[130:700]
        )
    tensors = {"fc.weight.packed": packed, "fc.weight.meta": meta}
    with open_tensors(tmp_path, tensors) as checkpoint:
        assert checkpoint.read("fc.weight").tobytes() == bits_of(dense)


def test_latent_weights_of_other_methods_are_named(tmp_path):
    weight = torch.ones(4, 8)
    lbc = {"a.weight": weight, "a.alpha": torch.ones(8, 6), "a.index_list": torch.ones(6, 4)}
    with open_tensors(tmp_path, lbc) as checkpoint:
        assert checkpoint.writer == "LBC"
        assert list(checkpoint.tensors) == ["a.weight"]
        assert checkpoint.tensors["a.weight"].form == "latent"
        assert "projected" in checkpoint.tensors["a.weight"].note
    with open_tensors(tmp_path, {"a.weight": weight, "a.scores": weight}) as checkpoint:
        assert checkpoint.writer == "torchao supermask"
    with open_tensors(tmp_path, {"a.weight": weight, "a.scale": torch.ones(1)}) as checkpoint:
        assert checkpoint.writer == "S-STE"
    norm = {"a.weight": torch.ones(4), "a.scale": torch.ones(4)}
    with open_tensors(tmp_path, norm) as checkpoint:
        assert checkpoint.writer == ""
        assert set(checkpoint.tensors) == set(norm)


@pytest.mark.parametrize(
    ("beside", "writer"),
    [
        ({"model": "resnet50", "best_prec1": 76.1, "epoch": 9, "optimizer": {}}, "NM-sparsity"),
        ({"recipe": "text", "arch_key": "resnet50"}, "SparseML"),
        ({"scheduler": {"dense_allocation": 0.1, "backward_masks": [torch.ones(2)]}}, "rigl-torch"),
        (
            {"optimizer": {"state": {0: {"exp_avg_sq_last": torch.ones(2)}},
                           "param_groups": [{"preconditioned_variance": 1}]}},
            "STEP",
        ),
        ({"optimizer": {"state": {}, "param_groups": [{"prox_type": "x", "group_type": "y"}]}},
         "torchao PAT"),
        ({"scheme": {"SparseConv0_3-64-(7, 7)": [2, 4]}}, "DominoSearch"),
    ],
)  # fmt: skip
def test_scripts_are_named_by_what_lies_beside_the_model(tmp_path, beside, writer):
    torch.save({"state_dict": {"fc.weight": torch.ones(4, 4)}, **beside}, tmp_path / "c.pth")
    with open_checkpoint(tmp_path / "c.pth") as checkpoint:
        assert checkpoint.writer.startswith(writer)
        assert list(checkpoint.tensors) == ["fc.weight"]


def test_our_own_metadata_is_handed_on(tmp_path):
    from sparse_core.checkpoints import own

    metadata = {own.METHOD: "sr-ste", own.PATTERN: "2:4", own.AXIS: "in", own.RULE: own.PROJECTED}
    save_file({"w": torch.ones(4, 4)}, tmp_path / "own.safetensors", metadata)
    with open_checkpoint(tmp_path / "own.safetensors") as checkpoint:
        assert checkpoint.metadata == metadata
        assert dict(checkpoint.summary.metadata) == metadata
