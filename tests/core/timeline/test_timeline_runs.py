"""Real training runs of digits, against plain numpy, and the command line."""

import contextlib
import csv
import io
import json
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from safetensors.numpy import load_file
from timeline_oracle import projected, rows, told, write_series

from sparse_core import timeline
from sparse_core.analysis.timeline.layer_story import LayerStory
from sparse_core.analysis.timeline.place import curves_of
from sparse_core.masks import unpack
from sparse_core.messages.timeline import SeriesId, TimelineOptions
from sparse_core.runs.events import Mask
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.reader import read_events

CHANGE = ["type", "from", "to", "step", "layer", "entries", "sad", "flip_rate", "births", "deaths"]


def lines(ended):
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("pattern", [(2, 4), (1, 8)])
def test_a_dense_run_projected_equals_plain_numpy(dense_run, pattern):
    n, m = pattern
    folder = RunFolder(dense_run)
    steps = folder.steps(folder.checkpoints)
    assert len(steps) > 5
    masks = [projected(folder.checkpoint(step), n, m) for step in steps]
    line = timeline(dense_run, pattern=f"{n}:{m}")
    assert line.steps == tuple(steps)
    assert told(line) == rows(steps, masks)
    assert (line.births[:, 1:] == line.deaths[:, 1:]).all()


def test_an_ste_run_tells_what_its_events_told(ste_run):
    events = [one for one in read_events(RunFolder(ste_run).events) if isinstance(one, Mask)]
    found = told(timeline(ste_run))
    assert len(events) > 5
    for event in events[1:]:
        columns = zip(
            event.layers, event.entries, event.sad, event.births, event.deaths, strict=True
        )
        for layer, *numbers in columns:
            assert found[event.step, layer] == tuple(numbers)
        entries, sad = found[event.step, ""][:2]
        assert sad / entries == event.flip_rate


def test_checkpoints_of_a_run_are_projected_as_training_did(ste_run):
    folder = RunFolder(ste_run)
    line = timeline(folder.checkpoints)
    layers = {one.name for one in line.layers}
    masks = [projected(folder.checkpoint(step), 2, 4) for step in line.steps]
    chosen = [{name: one for name, one in step.items() if name in layers} for step in masks]
    assert told(line) == rows(line.steps, chosen)
    assert {one.rules for one in line.layers} == {("projected",)}
    assert np.isfinite(line.margin).all()


def test_a_story_knows_every_flip(ste_run):
    series, options = SeriesId((str(ste_run),)), TimelineOptions(pattern="2:4")
    line = timeline(ste_run, pattern="2:4")
    layer = "layers.1.weight"
    story = LayerStory(series, options, line, layer)
    folder = RunFolder(ste_run)
    masks = [projected(folder.checkpoint(step), 2, 4)[layer] for step in line.steps]
    flips = sum((a ^ b).astype(int) for a, b in pairwise(masks))
    assert (story.history().flips() == flips).all()
    pair = line.steps[1], line.steps[-1]
    assert (unpack(story.flips(*pair)) == masks[1] ^ masks[-1]).all()


def test_worst_oscillators_on_the_command_line(here, ste_run):
    found = lines(here("timeline", ste_run, "--pattern", "2:4", "--worst", "3", "--json"))
    worst = [one for one in found if one["type"] == "oscillator"]
    folder = RunFolder(ste_run)
    steps = folder.steps(folder.checkpoints)
    for layer in {one["layer"] for one in worst}:
        masks = [projected(folder.checkpoint(step), 2, 4)[layer] for step in steps]
        flips = sum((a ^ b).astype(int) for a, b in pairwise(masks))
        mine = [one for one in worst if one["layer"] == layer]
        assert [one["flips"] for one in mine] == sorted(flips.reshape(-1), reverse=True)[:3]
        assert all(flips[one["row"], one["column"]] == one["flips"] for one in mine)
    assert "flips" in here("timeline", ste_run, "--worst", "1").stdout


def test_events_lie_on_the_same_axis(ste_run):
    curves = {curve.name: curve for curve in curves_of(RunFolder(ste_run))}
    assert {"loss", "lr", "valid loss", "valid metric"} <= set(curves)
    assert all(len(curve.steps) == len(curve.values) for curve in curves.values())
    assert set(curves["loss"].steps) >= set(timeline(ste_run).steps[1:])


def test_json_lines_are_as_promised(here, ste_run):
    found = lines(here("timeline", ste_run, "--json"))
    changes = [one for one in found if one["type"] == "change"]
    assert all(list(one) == CHANGE for one in changes)
    totals = [one for one in changes if one["layer"] is None]
    assert [one["step"] for one in totals] == list(timeline(ste_run).steps[1:])
    assert found[-1]["type"] == "summary"
    assert all(list(one) == ["layer", "froze_at", "net_over_gross"] for one in found[-1]["layers"])
    assert len(found) == len(changes) + 1


def test_python_in_three_lines_gives_the_same_numbers(here, ste_run):
    told = here("timeline", ste_run, "--pattern", "2:4", "--python").stdout
    assert len(told.splitlines()) == 3
    out = io.StringIO()
    names: dict = {}
    with contextlib.redirect_stdout(out):
        exec(told, names)
    wanted = lines(here("timeline", ste_run, "--pattern", "2:4", "--json"))[:-1]
    assert names["line"].table() == wanted


def test_the_figure_bundle_holds_the_numbers_of_json(here, ste_run, dense_run, tmp_path):
    folder = tmp_path / "figures"
    words = ("timeline", ste_run, dense_run, "--pattern", "2:4", "--json")
    found = lines(here(*words, "--figures", folder, "--width", "6.75"))
    wanted = [one for one in found if one["type"] == "change"]
    with (folder / "timeline.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert {one["series"] for one in table} == {"ste", "dense"}
    assert len(table) == len(wanted)
    for row, one in zip(table, wanted, strict=True):
        assert row["layer"] == (one["layer"] or "")
        assert row["series"] == one["series"]
        for key in ("from", "to", "step", "entries", "sad", "births", "deaths"):
            assert int(row[key]) == one[key]
        assert float(row["flip_rate"]) == one["flip_rate"]
    script = (folder / "timeline.py").read_text()
    compile(script, "timeline.py", "exec")
    assert "WIDTH = 6.75" in script
    assert '"pdf.fonttype": 42' in script
    assert (folder / "timeline.pdf").exists() == (find_spec("matplotlib") is not None)


def test_nnstd_and_reference_on_the_command_line(here, ste_run, dense_run):
    runs = [RunFolder(run).checkpoint(0) for run in (ste_run, dense_run)]
    last = RunFolder(dense_run).steps(RunFolder(dense_run).checkpoints)[-1]
    last_name = RunFolder(dense_run).checkpoint(last).name
    found = lines(
        here(
            *("timeline", runs[1], RunFolder(dense_run).checkpoint(last), "--pattern", "2:4"),
            *("--nnstd", "--fix-outputs", "--reference", runs[0], "--json"),
        )
    )
    distances = [one for one in found if one["type"] == "nnstd"]
    networks = [one for one in distances if one["layer"] is None]
    # The same seed gave both runs the same weights at step 0.
    assert networks[0]["distance"] == 0
    assert 0 < networks[1]["distance"] < 1
    layers = [one["distance"] for one in distances if one["layer"] and one["to"] == last_name]
    assert networks[1]["distance"] == pytest.approx(np.mean(layers))
    against = [one for one in found if one["type"] == "reference"]
    assert against
    first = [one for one in against if one["step"] == 0 and one["layer"] is None]
    assert first[0]["sad"] == 0


def test_people_read_totals_and_when_layers_froze(here, tmp_path):
    one = np.eye(8, dtype=bool)
    folder = write_series(tmp_path / "run", [{"fc.weight": m} for m in (one, ~one, ~one)])
    text = here("timeline", folder).stdout
    assert "64 of 64 flipped (100.000%)" in text
    assert "fc.weight: frozen at step 1, net over gross 1.000" in text


def test_bad_input_is_one_sentence(here, tmp_path):
    one = {"fc.weight": np.eye(8, dtype=bool)}
    folder = write_series(tmp_path / "run", [one])
    for words, part in (
        ((folder,), "one checkpoint"),
        ((tmp_path / "nowhere",), "nowhere"),
        ((folder, "--pattern", "5:4"), "5:4"),
        ((folder, "--epsilon", "7"), "--epsilon"),
        ((folder, "--pattern", "2:4", "--rule", "zeros"), "--rule"),
        ((folder, "--exclude", "*"), "excluded"),
    ):
        ended = here("timeline", *words, "--json")
        assert ended.returncode == 2, words
        assert part in ended.stderr
        assert ended.stdout == ""
        assert len(ended.stderr.strip().splitlines()) == 1


def test_a_finished_run_that_is_followed_ends(here, ste_run, monkeypatch):
    monkeypatch.setattr("sparse_core.commands.timeline.FOLLOW_S", 0.01)
    assert lines(here("timeline", ste_run, "--follow", "--json")) == lines(
        here("timeline", ste_run, "--json")
    )


def test_compare_on_the_command_line(here, ste_run):
    folder = RunFolder(ste_run)
    first, last = folder.checkpoint(0), folder.checkpoint(folder.steps(folder.checkpoints)[-1])
    found = lines(here("compare", first, last, "--json"))
    one, other = projected(first, 2, 4), projected(last, 2, 4)
    for row in found[:-1]:
        assert row["sad"] == (one[row["layer"]] ^ other[row["layer"]]).sum()
        a, b = (load_file(path)[row["layer"]].astype(float).ravel() for path in (first, last))
        assert row["cosine"] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert found[-1]["layer"] is None
    text = here("compare", first, last, "--sort", "flips").stdout
    assert text.splitlines()[0].split()[:2] == ["layer", "flips"]
    assert here("compare", first, folder.events).returncode == 2


@pytest.mark.parametrize("kept", [True, False])
def test_a_story_reads_one_layer_from_the_cache_or_the_file(ste_run, tmp_path, monkeypatch, kept):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options = TimelineOptions(cache=kept)
    for source in (ste_run, ste_run / "checkpoints"):
        line = timeline(source, cache=kept)
        story = LayerStory(SeriesId((str(source),)), options, line, "layers.1.weight")
        found = [mask.kept() for _, mask in story.masks()]
        assert found == line.kept[line.of("layers.1.weight")].tolist()
