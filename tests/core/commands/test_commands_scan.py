"""``scan`` as a build script sees it: lines, keys, exit statuses, one sentence for what is bad."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparse_core
from sparse_core.commands import child

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Save = Callable[..., Path]

CHECKPOINT_KEYS = [
    "type",
    "path",
    "format",
    "writer",
    "containers",
    "tensors",
    "elements",
    "unique_elements",
    "other_tensors",
    "bytes",
]
LAYER_KEYS = [
    "type",
    "name",
    "kind",
    "shape",
    "dtype",
    "elements",
    "rule",
    "zeros",
    "raw_zeros",
    "mask_zeros",
    "near_zeros",
    "nan",
    "inf",
    "min",
    "max",
    "mean",
    "std",
    "pattern",
    "axis",
    "ambiguous",
    "groups",
    "bad_groups",
    "zero_rows",
    "zero_columns",
    "class",
]
VERDICT_KEYS = ["type", "text", "prunable", "sparse", "broken", "unstructured", "dense"]
TIMING_KEYS = ["type", "read_bytes", "seconds", "native"]


def weights(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pruned(*shape: int, pattern: str = "2:4", seed: int = 0) -> Any:
    values = weights(*shape, seed=seed)
    return values * sparse_core.project(values, pattern)


def hostile_files() -> Any:
    """Load the builders of hostile files that the readers are tested with."""
    path = Path(__file__).parents[1] / "checkpoints" / "hostile_files.py"
    spec = importlib.util.spec_from_file_location("hostile_files", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(ended: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    assert ended.stderr == ""
    assert ended.stdout.endswith("\n")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def one_sentence(ended: "subprocess.CompletedProcess[str]", status: int = 2) -> str:
    assert ended.returncode == status
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("sparsescope: ")
    return ended.stderr


def test_json_has_its_keys_in_order_and_nothing_else(cli: Cli, save: Save) -> None:
    path = save(
        {
            "fc.weight": pruned(32, 64),
            "fc.bias": weights(32),
            "steps": np.array([3, 0], np.int64),
            "nothing": np.zeros((0, 4), np.float32),
        }
    )
    ended = cli("scan", path, "--json")
    assert ended.returncode == 0
    first, *layers, verdict, timing = lines(ended)
    assert (list(first), first["type"]) == (CHECKPOINT_KEYS, "checkpoint")
    assert (first["path"], first["format"]) == (str(path), "safetensors")
    assert (first["tensors"], first["elements"], first["bytes"]) == (4, 2048 + 32 + 2, 8320 + 16)
    assert [list(one) for one in layers] == [LAYER_KEYS] * 4
    assert [one["name"] for one in layers] == ["fc.bias", "fc.weight", "nothing", "steps"]
    assert list(verdict) == VERDICT_KEYS
    assert (verdict["prunable"], verdict["sparse"]) == (1, 1)
    assert list(timing) == TIMING_KEYS
    assert timing["read_bytes"] == 8336
    assert isinstance(timing["native"], bool)


def test_null_is_said_where_there_is_nothing_to_say(here: Cli, save: Save) -> None:
    path = save(
        {
            "a.bias": np.full(4, np.nan, np.float32),
            "b.weight": weights(8, 8),
            "steps": np.array([3], np.int64),
        }
    )
    _, bias, weight, steps, _, _ = lines(here("scan", path, "--json"))
    for key in ("min", "max", "mean", "std", "zero_rows", "zero_columns", "mask_zeros", "pattern"):
        assert bias[key] is None
    assert bias["class"] == "other"
    assert (weight["zero_rows"], weight["bad_groups"], weight["class"]) == (0, None, "dense")
    assert (weight["ambiguous"], weight["groups"]) == (False, None)
    assert (steps["nan"], steps["inf"], steps["mean"]) == (0, 0, 3.0)


def test_figures_are_those_of_plain_numpy(here: Cli, save: Save) -> None:
    values = pruned(16, 32)
    values[2] = 0
    values[5, 3] = 1e-4
    path = save({"fc.weight": values})
    words = ("--json", "--threshold", "0.001", "--pattern", "2:4", "--no-cache")
    layer = lines(here("scan", path, *words))[1]
    kept = (values != 0).reshape(-1, 4).sum(1)
    wide = values.astype(np.float64)
    assert layer["zeros"] == int((values == 0).sum())
    assert layer["near_zeros"] == 1
    assert layer["bad_groups"] == int((kept > 2).sum())
    assert (layer["groups"], layer["zero_rows"]) == (128, 1)
    # Sums of 128 are made in single precision.
    assert layer["mean"] == pytest.approx(wide.mean(), abs=1e-7 * wide.std())
    assert layer["std"] == pytest.approx(wide.std(), rel=1e-6)
    assert (layer["pattern"], layer["axis"]) == ("2:4", "in")


def test_people_get_the_verdict_and_a_table(here: Cli, save: Save) -> None:
    ended = here("scan", save({"fc.weight": pruned(32, 64), "odd\x1b[2J": weights(4)}))
    assert ended.returncode == 0
    assert ended.stdout.startswith("It is 2:4 everywhere.\n")
    row = next(line for line in ended.stdout.splitlines() if line.startswith("fc.weight"))
    assert row.split() == ["fc.weight", "linear", "32×64", "fp32", "50.0", "%", "2:4", "sparse"]
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--require", "2:4"], 1),
        (["--require", "2:4", "--layers", "good*"], 0),
        (["--require", "1:4", "--layers", "good*"], 1),
        (["--require", "2:4", "--layers", "*.bias"], 1),
        (["--require", "2:4", "--layers", "nothing"], 1),
        (["--require", "2:4", "--layers", "good*", "--axis", "out"], 1),
        (["--require", "2:4", "--pattern", "2:4", "--layers", "good*"], 0),
    ],
)
def test_the_gate(here: Cli, save: Save, words: list[str], status: int) -> None:
    path = save(
        {"good.weight": pruned(32, 64), "bad.weight": weights(32, 64), "bad.bias": weights(4)}
    )
    ended = here("scan", path, *words)
    assert ended.returncode == status
    assert len(ended.stderr.splitlines()) == status


def test_the_gate_names_what_fails(here: Cli, save: Save) -> None:
    ended = here("scan", save({"bad.weight": weights(32, 64)}), "--json", "--require", "2:4")
    assert "bad.weight (512 bad groups)" in one_sentence(ended, 1)
    assert json.loads(ended.stdout.splitlines()[1])["class"] == "broken"


def test_overrides_by_name(here: Cli, save: Save) -> None:
    path = save({"a.weight": pruned(64, 32).T, "b": pruned(32, 64)})
    words = ("scan", path, "--json", "--axis", "a.*=0", "--kind", "b=embedding")
    _, first, second, _, _ = lines(here(*words))
    assert (first["pattern"], first["axis"]) == ("2:4", "in")
    assert (second["kind"], second["class"]) == ("embedding", "other")


@pytest.mark.parametrize(
    "words",
    [
        ["--pattern", "5:4"],
        ["--pattern", "half"],
        ["--axis", "sideways"],
        ["--axis", "fc*=9"],
        ["--axis", "fc*=left"],
        ["--kind", "fc*=conf"],
        ["--kind", "fc"],
        ["--kind", "typo*=linear"],
        ["--threshold", "nan"],
        ["--threshold", "-1"],
        ["--threads", "0"],
        ["--container", "ema"],
        ["--require", "2:4", "--pattern", "1:4"],
        ["--layers", "fc*"],
    ],
)
def test_options_that_make_no_sense_get_one_sentence(
    here: Cli, save: Save, words: list[str]
) -> None:
    ended = here("scan", save({"fc.weight": weights(8, 8)}), "--json", *words)
    one_sentence(ended)


@pytest.mark.parametrize(
    "words",
    [["scan"], ["scan", "x", "--rule", "guess"], ["scan", "x", "--wat"], ["cache", "--cleer"]],
)
def test_words_that_are_not_understood_get_one_sentence(cli: Cli, words: list[str]) -> None:
    assert "--help)" in one_sentence(cli(*words))


def test_an_empty_path_is_not_the_current_folder(
    here: Cli, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save({"fc.weight": pruned(32, 64)})
    monkeypatch.chdir(tmp_path)
    assert here("scan", ".", "--require", "2:4").returncode == 0
    assert "path is empty" in one_sentence(here("scan", "", "--require", "2:4"))


def shell(line: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line of a shell in which $S is the program."""
    root = Path(sparse_core.__file__).parents[1]
    return subprocess.run(
        ["sh", "-c", line],
        env=os.environ
        | {
            "S": f"{sys.executable} -P {root / 'main.py'}",
            "XDG_CACHE_HOME": str(tmp_path / "cache-home"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_change_no_status(save: Save, tmp_path: Path, closed: str) -> None:
    path = save({"fc.weight": pruned(32, 64)})
    ended = shell(f"$S scan '{path}' --require 2:4 {closed}", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert shell(f"$S scan '{path}' --require 1:4 {closed}", tmp_path).returncode == 1


@pytest.mark.parametrize("words", ["scan model.safetensors --json", "cache"])
def test_a_full_disk_is_one_sentence(save: Save, tmp_path: Path, words: str) -> None:
    save({"fc.weight": pruned(32, 64)})
    ended = shell(f"cd '{tmp_path}' && $S {words} >/dev/full", tmp_path)
    assert "space left" in one_sentence(ended)


def test_endless_names_do_not_widen_the_table(here: Cli, save: Save) -> None:
    path = save({"x" * 3000 + ".weight": weights(8, 8), "a.weight": pruned(32, 64)})
    ended = here("scan", path)
    assert max(map(len, ended.stdout.splitlines())) < 400
    assert lines(here("scan", path, "--json"))[2]["name"] == "x" * 3000 + ".weight"


def test_a_table_says_what_is_all_zero(here: Cli, save: Save) -> None:
    ended = here("scan", save({"a.weight": np.zeros((32, 64), np.float32)}))
    assert ended.stdout.startswith("There is nothing but zeros.\na is all zero.\n")
    row = next(line for line in ended.stdout.splitlines() if line.startswith("a.weight"))
    assert row.endswith("all zero              unstructured")


def test_bad_files_get_one_sentence(here: Cli, save: Save, tmp_path: Path) -> None:
    whole = save({"fc.weight": weights(8, 8)}).read_bytes()
    files = {
        "missing.safetensors": None,
        "empty.safetensors": b"",
        "text.txt": b"no checkpoint at all",
        "half.safetensors": whole[: len(whole) // 2],
        "huge.safetensors": b"\xff" * 7 + b"\x7f{}",
        "new\nline.pt": b"\x80\x02c",
    }
    for name, data in files.items():
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        ended = here("scan", path, "--json")
        one_sentence(ended)
        assert ended.stdout == ""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_hostile_files_get_one_sentence(
    here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nowhere to run").mkdir()
    monkeypatch.chdir(tmp_path / "nowhere to run")
    for name, path in hostile_files().build_all(tmp_path).items():
        ended = here("scan", path, "--json", "--no-cache")
        one_sentence(ended)
        assert ended.stdout == "", name
    assert list((tmp_path / "nowhere to run").iterdir()) == []


def test_the_second_run_comes_from_the_cache_unless_told_not_to(here: Cli, save: Save) -> None:
    path = save({"fc.weight": pruned(32, 64)})
    first = here("scan", path, "--json").stdout.splitlines()[:-1]
    assert here("scan", path, "--json").stdout.splitlines()[:-1] == first
    assert "from the cache" in here("scan", path).stdout
    assert "from the cache" not in here("scan", path, "--no-cache").stdout
    assert "Holds 1 result," in here("cache").stdout
    assert "Removed 1 result," in here("cache", "--clear").stdout
    assert "Holds 0 results, 0 bytes." in here("cache").stdout


def test_planted_modules_in_the_current_folder_are_not_run(
    cli: Cli, save: Save, tmp_path: Path
) -> None:
    path = save({"fc.weight": weights(8, 8)})
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("msgspec", "numpy", "torch", "json"):
        (trap / f"{name}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    assert cli("scan", path, "--json", cwd=trap).returncode == 0
    assert not (tmp_path / "sprung").exists()


def test_a_path_with_spaces_and_umlauts(here: Cli, save: Save, tmp_path: Path) -> None:
    (tmp_path / "Größe 1").mkdir()
    path = save({"fc.weight": weights(8, 8)}, "Größe 1/ein Modell.safetensors")
    assert lines(here("scan", path, "--json"))[0]["path"] == str(path)


def test_a_path_that_is_no_utf_8(here: Cli, save: Save, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"odd\xff.safetensors")
    save({"fc.weight": weights(8, 8)}).rename(path)
    assert lines(here("scan", path, "--json"))[0]["path"].endswith("odd\ufffd.safetensors")
    assert here("scan", path).returncode == 0


def test_torch_is_never_imported(cli: Cli, save: Save, tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "torch.py").write_text("raise ImportError('not here')\n")
    root = os.pathsep.join([str(tmp_path / "blocked"), str(Path(sparse_core.__file__).parents[1])])
    ended = cli("scan", save({"fc.weight": weights(8, 8)}), "--json", PYTHONPATH=root)
    assert ended.returncode == 0


def test_a_reader_that_goes_away_is_no_error(save: Save, tmp_path: Path) -> None:
    path = save({f"{i}.weight": weights(4, 4) for i in range(2000)})
    root = Path(sparse_core.__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "sparse_core", "scan", str(path), "--json", "--no-cache"],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    process.wait(30)
    assert complaint == b""


def _truncated_while_read(path: Path) -> Callable[[Any], int]:
    """Map a file, shorten it behind the reader's back, and read on: this kills the process."""

    def work(out: Any) -> int:
        mapped = np.memmap(path, np.uint8, "r")
        out.write('{"type":"checkpoint"}\n{"half')
        out.flush()
        os.truncate(path, 0)
        return int(mapped[-1])

    return work


def test_a_file_truncated_while_it_is_read_gets_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\1" * 100_000)
    status = child.run_in_child(_truncated_while_read(path), str(path))
    shown = capfd.readouterr()
    assert status == 2
    assert shown.out == '{"type":"checkpoint"}\n'
    assert len(shown.err.splitlines()) == 1
    assert "truncated while it was being read" in shown.err


def test_a_child_that_dies_or_fails_gets_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    def killed(out: Any) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(10)
        return 0

    def wrong(out: Any) -> int:
        raise ZeroDivisionError("oh")

    assert child.run_in_child(killed, "x") == 2
    assert "killed" in capfd.readouterr().err
    assert child.run_in_child(wrong, "x") == child.BUG
    complaint = capfd.readouterr().err
    assert complaint == "sparsescope: This is a bug in sparsescope: ZeroDivisionError: oh\n"


@pytest.mark.slow
def test_a_container_is_chosen_by_its_key(here: Cli, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "run.pt"
    torch.save(
        {
            "epoch": 3,
            "state_dict": {"fc.weight": torch.from_numpy(pruned(32, 64)), "fc.bias": torch.ones(4)},
            "ema": {"fc.weight": torch.ones(32, 64)},
            "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(32, 64)}}},
        },
        path,
    )
    largest = lines(here("scan", path, "--json"))
    assert [one["name"] for one in largest[1:-2]] == ["fc.bias", "fc.weight"]
    assert {one["key"] for one in largest[0]["containers"]} == {"state_dict", "ema"}
    ema = lines(here("scan", path, "--json", "--container", "ema"))
    assert [(one["name"], one["class"]) for one in ema[1:-2]] == [("fc.weight", "dense")]
    every = lines(here("scan", path, "--json", "--container", "all"))
    names = [one["name"] for one in every[1:-2]]
    assert names == ["fc.bias", "fc.weight", "ema/fc.weight"]
    assert every[0]["tensors"] == 3
    hint = "This is 'state_dict'; the file also holds 'ema': name one by --container, or all."
    assert here("scan", path).stdout.splitlines()[-1] == hint
    assert "also holds" not in here("scan", path, "--container", "all").stdout
