"""export, timeline, evaluate, sensitivity and curve on real runs."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import sparse_core
from sparse_core.__main__ import main
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import read_masks
from sparse_core.training.job import Request
from sparse_core.training.options import TrainOptions
from sparse_core.training.session import start


def train(run: Path, method: str, **options) -> Path:
    method_options = options.pop("method_options", {})
    asked = TrainOptions(method=method, **{"epochs": 4, "layers": "*,!last", **options})
    start(Request(asked, method_options, {"hidden": "64,64"}), run)
    return run


@pytest.fixture(scope="module")
def ste(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("ste") / "run", "ste")


@pytest.fixture(scope="module")
def dense(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("dense") / "run", "dense", epochs=8)


def lines(capsys, *words: str) -> list[dict]:
    assert main(list(words)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def changes(capsys, *words: str) -> list[dict]:
    return [row for row in lines(capsys, *words) if row["type"] == "change"]


def words_of(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return file.metadata()


def top2(weight: torch.Tensor) -> torch.Tensor:
    order = weight.abs().reshape(-1, 4).argsort(dim=1, stable=True)
    mask = torch.zeros(order.shape).scatter(1, order[:, 2:], 1.0)
    return mask.reshape(weight.shape).bool()


# ---------------------------------------------------------------- export


def test_export_of_a_run_is_projected_and_scan_says_so(ste, tmp_path, capsys) -> None:
    out = tmp_path / "out.safetensors"
    assert main(["export", str(ste), "--out", str(out)]) == 0
    latent = load_file(RunFolder(ste).checkpoint(92))
    exported = load_file(out)
    for name in ("layers.0.weight", "layers.1.weight"):
        torch.testing.assert_close(exported[name], latent[name] * top2(latent[name]))
    assert torch.equal(exported["head.weight"], latent["head.weight"])
    assert "sparsescope.rule" not in words_of(out)
    result = sparse_core.scan(out, cache=False)
    judged = {layer.name: layer for layer in result.layers}
    assert judged["layers.0.weight"].class_ == "sparse"
    assert judged["layers.0.weight"].pattern == "2:4"
    assert judged["head.weight"].class_ == "dense"


def test_average_is_of_the_projected_weights_and_breaks_the_pattern(ste, tmp_path) -> None:
    out = tmp_path / "out.safetensors"
    assert main(["export", str(ste), "--average", "3", "--out", str(out)]) == 0
    folder = RunFolder(ste)
    parts = [load_file(folder.checkpoint(step))["layers.0.weight"] for step in (46, 69, 92)]
    wanted = torch.stack([part * top2(part) for part in parts]).mean(dim=0)
    found = load_file(out)["layers.0.weight"]
    torch.testing.assert_close(found, wanted)
    assert int(((found != 0).reshape(-1, 4).sum(1) > 2).sum()) > 0
    repaired = tmp_path / "repaired.safetensors"
    words = ["export", str(ste), "--average", "3", "--pattern", "2:4", "--out", str(repaired)]
    assert main(words) == 0
    assert int(((load_file(repaired)["layers.0.weight"] != 0).reshape(-1, 4).sum(1) > 2).sum()) == 0


def test_export_of_a_dense_checkpoint_to_a_pattern(dense, tmp_path) -> None:
    out = tmp_path / "out.safetensors"
    source = str(RunFolder(dense).checkpoint(184))
    words = ["export", source, "--pattern", "1:4", "--layers", "layers.1.*", "--out", str(out)]
    assert main(words) == 0
    exported = load_file(out)
    assert int((exported["layers.1.weight"] != 0).sum()) == 64 * 64 // 4
    assert bool((exported["layers.0.weight"] != 0).all())
    assert json.loads(words_of(out)["sparsescope.layers"]) == ["layers.1.weight"]


def test_export_overwrites_nothing(ste, tmp_path, capsys) -> None:
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"precious")
    assert main(["export", str(ste), "--out", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_bytes() == b"precious"


def test_export_of_soft_masks_gives_the_soft_weights(tmp_path) -> None:
    run = train(tmp_path / "run", "ste", method_options={"soft": True}, epochs=1)
    out = tmp_path / "out.safetensors"
    assert main(["export", str(run), "--out", str(out)]) == 0
    beta = json.loads(words_of(RunFolder(run).checkpoint(23))["sparsescope.soft"])
    latent = load_file(RunFolder(run).checkpoint(23))["layers.0.weight"].reshape(-1, 4)
    threshold = latent.abs().kthvalue(2, dim=1, keepdim=True).values
    soft = latent.sign() * (latent.abs() - threshold).clamp(min=0) * beta["layers.0.weight"]
    torch.testing.assert_close(load_file(out)["layers.0.weight"].reshape(-1, 4), soft)


def test_compacted_export_gives_the_same_outputs(dense, tmp_path, capsys) -> None:
    run = train(
        tmp_path / "ssl",
        "ssl",
        layers="*",
        init=str(RunFolder(dense).checkpoint(184)),
        epochs=8,
        method_options={"groups": "filter+shape", "lambda": 0.001},
    )
    out = tmp_path / "out.safetensors"
    assert main(["export", str(run), "--compact", "--out", str(out)]) == 0
    assert "removed exactly" in capsys.readouterr().err
    from sparse_core.inference.compaction import refit
    from sparse_core.training.layers import load_plain
    from sparse_core.training.networks.mlp import Mlp

    small = refit(Mlp(64, (64, 64), 10), load_file(out)).eval()
    folder = RunFolder(run)
    whole = Mlp(64, (64, 64), 10).eval()
    load_plain(whole, load_file(folder.checkpoint(folder.steps(folder.checkpoints)[-1])), "")
    inputs = torch.rand(32, 64)
    torch.testing.assert_close(small(inputs), whole(inputs), rtol=1e-5, atol=1e-5)
    assert sum(p.numel() for p in small.parameters()) < 0.7 * sum(
        p.numel() for p in whole.parameters()
    )


# ---------------------------------------------------------------- timeline


def test_timeline_equals_numpy_on_the_masks(ste, capsys) -> None:
    rows = changes(capsys, "timeline", str(ste), "--json")
    folder = RunFolder(ste)
    bits = {
        step: {
            name: np.unpackbits(mask.words.view(np.uint8), bitorder="little").astype(bool)
            for name, mask in read_masks(folder.mask(step)).items()
        }
        for step in folder.steps(folder.masks)
    }
    keys = (
        "type",
        "from",
        "to",
        "step",
        "layer",
        "entries",
        "sad",
        "flip_rate",
        "births",
        "deaths",
    )
    assert all(tuple(row) == keys for row in rows)
    for row in rows:
        if row["layer"] is not None:
            before, after = (bits[row[key]][row["layer"]] for key in ("from", "to"))
            assert row["sad"] == int((before ^ after).sum())
            assert row["births"] == int((after & ~before).sum())
            assert row["deaths"] == row["births"]
    for step in folder.steps(folder.masks)[1:]:
        *layers, total = [row for row in rows if row["step"] == step]
        assert total["layer"] is None
        for key in ("entries", "sad", "births", "deaths"):
            assert total[key] == sum(row[key] for row in layers)
        assert total["flip_rate"] == pytest.approx(total["sad"] / total["entries"])


def test_timeline_of_dense_checkpoints_by_projection(dense, capsys) -> None:
    rows = changes(capsys, "timeline", str(dense), "--pattern", "2:4", "--json")
    folder = RunFolder(dense)
    for row in rows:
        if row["layer"] == "layers.1.weight":
            before, after = (
                top2(load_file(folder.checkpoint(row[key]))[row["layer"]]) for key in ("from", "to")
            )
            assert row["sad"] == int((before ^ after).sum())


def test_golden_sad(golden) -> None:
    from sparse_core.masks import pack
    from sparse_core.runs.masks import Change, change

    vector = golden["sad"]
    masks = [pack(np.array([vector[f"E{index}"]], bool)) for index in range(3)]
    assert [change(masks[a], masks[b]).sad for a, b in ((0, 1), (1, 2), (0, 2))] == [
        vector["SAD_01"],
        vector["SAD_12"],
        vector["SAD_02"],
    ]
    assert change(masks[0], masks[1]).flip_rate == vector["flip_rate_01"]
    vector = golden["sad_two_layers"]
    total = Change(8, 1, 1) + Change(4, 1, 1)
    assert (total.sad, total.flip_rate) == (vector["total"], pytest.approx(1 / 3))


# ---------------------------------------------------------------- costs


def test_evaluate_measures_stored_and_projected_weights_in_one_run(ste, capsys) -> None:
    stored, projected = lines(capsys, "evaluate", str(ste), "--json")
    assert (stored["weights"], projected["weights"]) == ("stored", "projected")
    assert projected["pattern"] == "2:4"
    event = [
        json.loads(line)
        for line in (ste / "events.jsonl").read_text().splitlines()
        if '"evaluated"' in line
    ][-1]
    assert projected["metric"] == event["metric"]
    assert projected["loss"] == pytest.approx(event["loss"])
    assert stored["loss"] != projected["loss"]


def test_evaluate_of_a_lone_checkpoint_wants_its_task(dense, tmp_path, capsys) -> None:
    lone = tmp_path / "lone.safetensors"
    lone.write_bytes(RunFolder(dense).checkpoint(184).read_bytes())
    assert main(["evaluate", str(lone)]) == 2
    assert "--task" in capsys.readouterr().err
    (row,) = lines(capsys, "evaluate", str(lone), "--task", "digits", "--hidden", "64,64", "--json")
    assert row["metric"] > 0.8
    assert main(["evaluate", str(lone), "--task", "digits"]) == 2
    assert "does not fit this model" in capsys.readouterr().err


def test_sensitivity_prunes_one_layer_at_a_time(dense, capsys, tmp_path) -> None:
    table = tmp_path / "rows.csv"
    words = ("sensitivity", str(dense), "--pattern", "1:4", "--json", "--csv", str(table))
    first, *rows = lines(capsys, *words)
    assert [row["layer"] for row in rows] == ["layers.0.weight", "layers.1.weight", "head.weight"]
    for row in rows:
        assert row["loss_increase"] == pytest.approx(row["loss"] - first["loss"])
        assert row["kept"] == row["entries"] // 4
    with table.open() as file:
        assert [row["layer"] for row in csv.DictReader(file)][1:] == [row["layer"] for row in rows]


def test_curve_falls_and_random_falls_first(dense, capsys) -> None:
    rows = lines(capsys, "curve", str(dense), "--sparsities", "0,0.5,0.9", "--json")
    points = {(row["criterion"], row["sparsity"]): row for row in rows if row["type"] == "point"}
    for criterion in ("magnitude", "global", "random", "taylor"):
        assert points[criterion, 0.0]["metric"] == points["magnitude", 0.0]["metric"]
    assert points["random", 0.5]["metric"] < points["magnitude", 0.5]["metric"]
    slacks = {row["criterion"]: row["slack"] for row in rows if row["type"] == "slack"}
    assert slacks["random"] < slacks["global"]
