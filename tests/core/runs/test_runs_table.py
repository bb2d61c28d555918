"""Runs side by side, sweeps as plans, recipes as words."""

import csv
import io
import math
from statistics import stdev

import pytest

from sparse_core.__main__ import main
from sparse_core.errors import RunError
from sparse_core.messages.training import Recipe
from sparse_core.runs.config import RunConfig, write_config
from sparse_core.runs.events import Evaluated, Finished, Started
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.recipes import option_words, refuse_untrusted, resume_words, settled
from sparse_core.runs.sweeps import plan_of, read_over
from sparse_core.runs.table import Row, as_csv, as_latex, find_runs, read_row, table_of
from sparse_core.runs.writer import EventWriter


def row(name: str, seed: int, best: float | None, **options: str) -> Row:
    return Row(
        folder=f"/runs/{name}",
        name=name,
        state="finished",
        options={"task": "digits", **options},
        seed=seed,
        metric="accuracy",
        higher_is_better=True,
        step=10,
        best=best,
        last=best,
        loss=1.0,
        flips=None,
        frozen=0.5,
        sparsity=0.5,
        seconds=1.0,
    )


def test_only_what_differs_is_a_column_and_seeds_are_a_group() -> None:
    rows = [
        row("a", 0, 0.8, lr="0.1", **{"lambda": "0"}),
        row("b", 1, 0.9, lr="0.1", **{"lambda": "0"}),
        row("c", 0, 0.7, lr="0.1", **{"lambda": "0.01"}),
    ]
    table = table_of(rows)
    assert table.keys == ("lambda",)
    assert [group.rows for group in table.groups] == [(0, 1), (2,)]
    first, second = table.groups
    assert first.means["best"] == pytest.approx(0.85)
    assert first.deviations["best"] == pytest.approx(stdev([0.8, 0.9]))
    assert second.deviations["best"] is None
    assert first.means["flips"] is None


def test_an_option_that_only_some_runs_have_differs() -> None:
    table = table_of([row("a", 0, 0.8, method="ste"), row("b", 0, 0.8, method="x", zeta="3")])
    assert table.keys == ("method", "zeta")
    assert table.groups[0].cells == ("ste", "")


def test_a_figure_that_is_not_finite_is_in_no_mean() -> None:
    table = table_of([row("a", 0, math.nan), row("b", 1, 0.5)])
    assert table.groups[0].means["best"] == 0.5


def test_csv_is_read_back() -> None:
    table = table_of([row('a "x",y', 0, 0.8, lr="0.1"), row("b", 0, None, lr="0.2")])
    read = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert [one["run"] for one in read] == ['a "x",y', "b"]
    assert [one["best"] for one in read] == ["0.8", ""]
    assert [one["lr"] for one in read] == ["0.1", "0.2"]


def test_latex_escapes_what_steers_it() -> None:
    table = table_of([row("a", 0, 0.8, layers="*_a"), row("b", 0, 0.7, layers="50%&")])
    text = as_latex(table)
    assert r"*\_a" in text
    assert r"50\%\&" in text
    assert text.count(r"\\") == 3


def write_run(folder, seed: int, metric: float, **method_options):
    run = RunFolder(folder)
    run.make()
    write_config(
        run.config,
        RunConfig(
            task="digits",
            method="sr-ste",
            pattern="2:4",
            axis="in",
            options={"lr": 0.1, "seed": seed},
            method_options=method_options,
            seed=seed,
        ),
    )
    now = {"time": 1.0, "elapsed_s": 2.0}
    writer = EventWriter(run.events)
    writer.write(
        Started(
            step=0,
            task="digits",
            method="sr-ste",
            pattern="2:4",
            axis="in",
            metric="accuracy",
            higher_is_better=True,
            steps=5,
            steps_an_epoch=5,
            parameters=1,
            layers=(),
            **now,
        )
    )
    writer.write(
        Evaluated(
            step=5, split="valid", examples=1, loss=1, loss_sd=0, metric=metric, metric_sd=0, **now
        )
    )
    writer.write(Finished(step=5, reason="complete", **now))
    writer.close()
    return folder


def test_the_command_reads_a_folder_of_runs(tmp_path, capsys) -> None:
    for seed, metric in ((0, 0.5), (1, 0.7)):
        write_run(tmp_path / f"run-{seed}", seed, metric, pull=0.1)
    (tmp_path / "no run").mkdir()
    assert len(find_runs([tmp_path])) == 2
    assert read_row(tmp_path / "run-1").best == 0.7
    assert main(["runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "0.60 ± 0.14" in out
    assert main(["runs", str(tmp_path / "run-0"), str(tmp_path / "run-1"), "--latex"]) == 0
    assert r"0.60 $\pm$ 0.14" in capsys.readouterr().out
    assert main(["runs", str(tmp_path / "no run")]) == 2


def test_a_damaged_run_is_told_and_left_out(tmp_path, capsys) -> None:
    write_run(tmp_path / "good", 0, 0.5)
    write_run(tmp_path / "bad", 0, 0.5)
    (tmp_path / "bad" / "run.json").write_text("{")
    assert main(["runs", str(tmp_path), "--csv"]) == 0
    said = capsys.readouterr()
    assert "damaged" in said.err
    assert len(said.out.splitlines()) == 2


# ---------------------------------------------------------------- sweeps


def test_every_combination_with_every_seed() -> None:
    over = read_over(["lambda=0,2e-3,1e-2", "--weight-decay=0,1e-4"])
    runs = plan_of(over, 5, 2)
    assert len(runs) == 12
    assert len({run.name for run in runs}) == 12
    assert runs[0].name == "lambda-0_weight_decay-0_seed-5"
    assert runs[1].options == (("lambda", "0"), ("weight_decay", "0"), ("seed", "6"))


def test_values_with_commas_and_names_that_are_no_paths() -> None:
    over = read_over(["layers=*,!last;*"])
    assert over == {"layers": ("*,!last", "*")}
    names = [run.name for run in plan_of(over, 0, 1)]
    assert all("/" not in name and "*" not in name for name in names)
    assert len(set(names)) == 2


@pytest.mark.parametrize("text", ["lambda", "lambda=", "=1,2", "lambda=1,,2"])
def test_a_sweep_over_nothing_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="--sweep wants values"):
        read_over([text])


def test_seeds_may_be_named_themselves() -> None:
    assert [run.name for run in plan_of(read_over(["seed=3,7"]), 0, 1)] == ["seed-3", "seed-7"]


# ---------------------------------------------------------------- recipes


def test_a_value_that_begins_with_a_dash_is_no_option() -> None:
    assert option_words((("layers", "-x"), ("lr", -1.0), ("soft", True))) == (
        "--layers=-x",
        "--lr=-1.0",
        "--soft",
        "true",
    )


def test_a_python_file_is_refused_until_agreed_to(tmp_path) -> None:
    name = f"{tmp_path / 'mine.py'}:Mine"
    recipe = settled(Recipe((("method", name),), str(tmp_path / "run")))
    with pytest.raises(RunError, match=r"mine\.py is a Python file that would be executed"):
        refuse_untrusted(recipe)
    refuse_untrusted(settled(Recipe((("method", name),), str(tmp_path / "run"), (name,))))
    config = RunConfig(task="digits", method=name, pattern=None, axis="in")
    with pytest.raises(RunError, match="would be executed"):
        resume_words(tmp_path, config, ())
    assert resume_words(tmp_path, config, (name,))[-2:] == ("--method", name)


def test_paths_of_a_recipe_begin_at_home(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    recipe = settled(Recipe((("init", "a.pt"), ("task", "mine.py:T")), "", ("mine.py:T",)))
    assert dict(recipe.options) == {
        "init": str(tmp_path / "a.pt"),
        "task": f"{tmp_path / 'mine.py'}:T",
    }
    assert recipe.trusted == (f"{tmp_path / 'mine.py'}:T",)
    assert recipe.run.startswith(str(tmp_path / "sparsescope-runs"))
