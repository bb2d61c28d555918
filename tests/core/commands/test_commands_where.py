"""``scan --where``: only what matches, and a gate for builds."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparse_core
from sparse_core.messages.query import NUMBERS, WORDS

Here = Callable[..., "subprocess.CompletedProcess[str]"]
Save = Callable[..., Path]
Row = dict[str, Any]


@pytest.fixture
def model(save: Save) -> Path:
    rng = np.random.default_rng(0)
    tensors: dict[str, Any] = {"lm_head.weight": rng.standard_normal((10, 64), np.float32)}
    for number in range(4):
        weight = rng.standard_normal((32, 64), np.float32)
        weight *= sparse_core.project(weight, "2:4")
        weight[:number, :4] = 1
        tensors[f"layers.{number}.up_proj.weight"] = weight
        tensors[f"layers.{number}.up_proj.bias"] = np.ones(32, np.float16)
    return save(tensors)


def rows(ended: "subprocess.CompletedProcess[str]") -> list[Row]:
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["type"] for line in found[-2:]] == ["verdict", "timing"]
    return [line for line in found if line["type"] == "layer"]


@pytest.mark.parametrize(
    ("query", "plain"),
    [
        ("bad>0", lambda row: (row["bad_groups"] or 0) > 0),
        ("kind:linear", lambda row: row["kind"] == "linear"),
        ("kind:linear sparsity<40%", lambda row: row["kind"] == "linear" and row["zeros"] < 200),
        ("-up_proj", lambda row: "up_proj" not in row["name"]),
        ("layer:1-2 name:*.bias", lambda row: row["name"][7:8] in "12" and "bias" in row["name"]),
        ("rows%4!=0", lambda row: row["shape"][0] % 4 != 0),
        ("dtype:float16", lambda row: row["dtype"] == "float16"),
        ("class=broken", lambda row: row["class"] == "broken"),
        ("elements>=1e9", lambda _: False),
    ],
)
def test_lists_what_matches_and_says_so(
    here: Here, model: Path, query: str, plain: Callable[[Row], bool]
) -> None:
    everything = rows(here("scan", model, "--json"))
    ended = here("scan", model, "--json", f"--where={query}")
    assert rows(ended) == [row for row in everything if plain(row)]
    assert ended.returncode == (1 if rows(ended) else 0)
    assert len(ended.stderr.splitlines()) == ended.returncode


def test_the_table_shows_the_same_rows(here: Here, model: Path) -> None:
    ended = here("scan", model, "--where", "bad>0")
    named = [line.split()[0] for line in ended.stdout.splitlines() if "up_proj" in line[:20]]
    assert named == [f"layers.{number}.up_proj.weight" for number in (1, 2, 3)]
    assert ended.stderr == (
        "sparsescope: 3 of 9 tensors match 'bad>0': layers.1.up_proj.weight, "
        "layers.2.up_proj.weight, layers.3.up_proj.weight.\n"
    )


def test_the_verdict_is_still_of_all(here: Here, model: Path) -> None:
    whole = here("scan", model, "--json").stdout.splitlines()[-2]
    assert here("scan", model, "--json", "--where", "nothing").stdout.splitlines()[-2] == whole


def test_both_gates_are_one_line(here: Here, model: Path) -> None:
    ended = here("scan", model, "--where", "bad>0", "--require", "2:4", "--layers", "*up_proj*")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "4 of 9 tensors match" in ended.stderr
    assert "3 of 4 layers are not 2:4" in ended.stderr


@pytest.mark.parametrize("query", ["nothing:1", "bad>many", "rows%0=1", "kind>linear", "kind:"])
def test_what_is_no_query_is_one_sentence(here: Here, model: Path, query: str) -> None:
    ended = here("scan", model, "--where", query)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1


def test_help_explains_every_field(cli: Here) -> None:
    shown = cli("scan", "--help").stdout
    for field, meaning in (WORDS | NUMBERS).items():
        assert f"  {field:<9} {meaning}\n" in shown
