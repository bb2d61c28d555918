"""Checkpoints that published packages ship, with figures counted by other programs."""

import numpy as np
import pytest
import torch
from checkpoint_oracle import assert_equal
from safetensors.torch import load_file

from sparse_core.checkpoints import open_checkpoint
from sparse_core.errors import CheckpointError

SILERO = "silero_vad/data/silero_vad_16k.safetensors"
ALBERT = "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k"
LPIPS = "lpips/weights"
ATTACUT = "attacut/artifacts"


@pytest.mark.parametrize(
    ("name", "tensors", "elements", "unique", "zeros"),
    [
        (SILERO, 15, 309_633, 309_633, 2_433),
        (f"{ATTACUT}/attacut-c/model.pth", 11, 173_533, 173_533, 48),
        (f"{ATTACUT}/attacut-sc/model.pth", 27, 159_380, 159_380, 48),
        (f"{LPIPS}/v0.0/alex.pth", 5, 1_152, 1_152, 257),
        (f"{LPIPS}/v0.0/vgg.pth", 5, 1_472, 1_472, 421),
        (f"{LPIPS}/v0.0/squeeze.pth", 7, 2_240, 2_240, 365),
        (f"{LPIPS}/v0.1/alex.pth", 5, 1_152, 1_152, 150),
        (f"{ALBERT}/pytorch_model.bin", 32, 877_598, 801_359, 256),
    ],
)
def test_the_figures_are_those_that_others_count(
    real_inputs, name, tensors, elements, unique, zeros
):
    path = real_inputs / name
    with open_checkpoint(path) as checkpoint:
        summary = checkpoint.summary
        assert (summary.tensors, summary.elements) == (tensors, elements)
        assert summary.unique_elements == unique
        assert sum(int((checkpoint.read(one) == 0).sum()) for one in checkpoint.tensors) == zeros
        is_safetensors = path.suffix == ".safetensors"
        assert checkpoint.format == ("safetensors" if is_safetensors else "PyTorch legacy")
        oracle = (
            load_file(path)
            if is_safetensors
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        assert_equal(checkpoint, oracle)


def test_two_rows_of_the_voice_detector_are_all_zero(real_inputs):
    with open_checkpoint(real_inputs / SILERO) as checkpoint:
        name = next(one for one in checkpoint.tensors if "stft_conv" in one)
        assert checkpoint.tensors[name].elements == 66_048
        rows = checkpoint.read(name).reshape(258, -1)
        assert np.count_nonzero(~rows.any(axis=1)) == 2
        assert (rows == 0).sum() == 2_433


def test_one_head_of_lpips_is_really_sparse(real_inputs):
    with open_checkpoint(real_inputs / LPIPS / "v0.0/vgg.pth") as checkpoint:
        name = next(one for one in checkpoint.tensors if one.startswith("lin1"))
        assert (checkpoint.read(name) == 0).sum() == 107
        assert checkpoint.tensors[name].elements == 128


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("silero_vad/data/silero_vad.jit", "TorchScript"),
        (f"{ALBERT}/training_args.bin", r"argparse\.Namespace"),
    ],
)
def test_what_is_no_checkpoint_is_explained(real_inputs, name, words):
    with pytest.raises(CheckpointError, match=words):
        open_checkpoint(real_inputs / name)
