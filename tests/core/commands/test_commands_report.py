"""``report``: its numbers are the scan's, its bytes are always the same, and it runs nothing."""

import base64
import hashlib
import json
import re
import struct
import subprocess
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import sparse_core
from sparse_core.analysis.report import SECTIONS, Section, gather, pages
from sparse_core.analysis.report.gallery import SIDE
from sparse_core.analysis.report.markup import text
from sparse_core.messages import ScanOptions

Here = Callable[..., "subprocess.CompletedProcess[str]"]
Save = Callable[..., Path]

HOSTILE = "<script>alert(1)</script>\"'&\x1b[2J\u202e"
RUNNING = {"script", "iframe", "object", "embed", "link", "base", "form", "svg"}


def weights(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def broken(*shape: int, groups: int, seed: int = 0) -> Any:
    values = weights(*shape, seed=seed)
    values *= sparse_core.project(values, "2:4")
    values.reshape(-1, 4)[: 7 * groups : 7] = weights(groups, 4, seed=seed + 1)
    return values


@pytest.fixture
def model(save: Save) -> Path:
    return save(
        {
            "layers.0.up.weight": broken(64, 640, groups=40),
            "layers.1.up.weight": broken(64, 640, groups=3, seed=5),
            "layers.2.up.weight": broken(64, 640, groups=0, seed=9),
            "head.weight": weights(10, 64),
            "norm.weight": np.array([np.nan, np.inf, -0.0, 1], np.float32),
        }
    )


class Seen(HTMLParser):
    """Every element of a page, and the text in its table cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def made(here: Here, path: Path, *words: str) -> tuple[bytes, dict[str, Any]]:
    page, twin = path.parent / "report.html", path.parent / "report.json"
    ended = here("report", path, "--out", page, "--json", twin, *words)
    assert (ended.returncode, ended.stderr) == (0, "")
    return page.read_bytes(), json.loads(twin.read_bytes())


def pixels(png: bytes) -> Any:
    """Decode what the report writes: eight bits a pixel, no filter."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    parts, at = {}, 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data = png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + data) == struct.unpack(">I", png[at + 8 + length :][:4])[0]
        parts[kind] = data
        at += 12 + length
    width, height, *rest = struct.unpack(">2I5B", parts[b"IHDR"])
    assert rest == [8, 3, 0, 0, 0]
    assert (len(parts[b"PLTE"]), parts[b"tRNS"]) == (768, bytes(range(256)))
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


def pictures(page: bytes) -> dict[str, Any]:
    found = re.findall(r'alt="([^"]*)" src="data:image/png;base64,([^"]*)"', page.decode())
    return {words: pixels(base64.b64decode(data)) for words, data in found}


@pytest.mark.parametrize("words", [(), ("--pattern", "1:4"), ("--threshold", "0.1")])
def test_its_numbers_are_those_of_scan_json(
    here: Here, model: Path, words: tuple[str, ...]
) -> None:
    lines = [json.loads(one) for one in here("scan", model, "--json", *words).stdout.splitlines()]
    page, twin = made(here, model, *words)
    layers = [{**one, "error": ""} for one in lines if one.pop("type") == "layer"]
    assert twin["layers"] == layers
    verdict = next(one for one in lines if "prunable" in one)
    assert {key: twin["verdict"][key] for key in verdict} == verdict
    first = {**lines[0], "path": model.name}
    assert {key: twin["checkpoint"][key] for key in first} == first
    seen = Seen(page.decode())
    assert verdict["text"].replace(" ", "") in seen.words.replace(" ", "")
    for layer in layers:
        assert layer["name"] in seen.words
        if layer["bad_groups"]:
            assert f"{layer['bad_groups']:,}" in seen.words


def test_the_same_input_gives_the_same_bytes(here: Here, model: Path, tmp_path: Path) -> None:
    first = made(here, model), (tmp_path / "report.json").read_bytes()
    again = made(here, model), (tmp_path / "report.json").read_bytes()
    fresh = made(here, model, "--no-cache"), (tmp_path / "report.json").read_bytes()
    threads = made(here, model, "--threads", "4", "--no-cache")
    assert first == again == fresh
    assert threads == first[0]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / model.name).write_bytes(model.read_bytes())
    assert made(here, elsewhere / model.name) == first[0]


def test_nothing_in_it_knows_the_time_or_the_place(here: Here, model: Path, tmp_path: Path) -> None:
    page, twin = made(here, model)
    assert str(tmp_path).encode() not in page
    assert str(tmp_path) not in json.dumps(twin)
    assert list(twin) == sorted(twin)
    assert not {"seconds", "time", "date"} & set(re.findall(r"\w+", json.dumps(twin)))


def test_it_needs_nothing_else_and_runs_nothing(here: Here, model: Path) -> None:
    page, _ = made(here, model)
    seen = Seen(page.decode())
    for name, attributes in seen.elements:
        assert name not in RUNNING
        assert not any(key.startswith("on") for key in attributes)
        for value in (attributes.get("src"), attributes.get("href")):
            assert value is None or value.startswith(("#", "data:image/png;base64,"))
    assert b"url(" not in page
    assert b"@import" not in page
    assert any("default-src 'none'" in str(one.get("content")) for _, one in seen.elements)
    assert b"prefers-color-scheme:dark" in page


def test_names_from_the_file_are_text(here: Here, save: Save) -> None:
    path = save({f"{HOSTILE}.weight": broken(64, 64, groups=4), HOSTILE: weights(4)}, "a<b>&.st")
    page, twin = made(here, path)
    assert b"<script" not in page
    assert b"\x1b" not in page
    assert "\u202e".encode() not in page
    seen = Seen(page.decode())
    assert not RUNNING & {name for name, _ in seen.elements}
    assert "<script>alert(1)</script>\"'&\N{REPLACEMENT CHARACTER}[2J" in seen.words
    # The twin holds them to the letter; JSON has escapes for that.
    assert twin["layers"][0]["name"] in (HOSTILE, f"{HOSTILE}.weight")
    assert not re.search(rb"[^\x20-\x7e\n]", (path.parent / "report.json").read_bytes())


def test_every_file_is_hashed(here: Here, model: Path) -> None:
    _, twin = made(here, model)
    wanted = hashlib.sha256(model.read_bytes()).hexdigest()
    assert twin["files"] == [{"name": model.name, "bytes": model.stat().st_size, "sha256": wanted}]


def test_a_remembered_hash_ends_with_the_file(here: Here, model: Path) -> None:
    made(here, model)
    tensors = load_file(model)
    tensors["head.weight"][0, 0] += 1
    save_file(tensors, model)
    _, twin = made(here, model)
    assert twin["files"][0]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()


def test_violations_are_ranked_by_what_plain_numpy_says(here: Here, model: Path) -> None:
    _, twin = made(here, model)
    found = twin["violations"]
    plain = []
    for name, values in load_file(model).items():
        if "up" not in name:
            continue
        groups = values.astype(np.float64).reshape(-1, 4)
        sizes = np.sort(np.abs(groups), axis=1)
        costs = np.sqrt(np.square(sizes[:, :2]).sum(1)) / np.sqrt(
            np.square(values, dtype="f8").mean()
        )
        for at in np.flatnonzero((groups != 0).sum(1) > 2):
            row, column = divmod(int(at) * 4, values.shape[1])
            plain.append((costs[at], name, f"[{row}, {column}:{column + 4}]", groups[at].tolist()))
    plain.sort(key=lambda one: -one[0])
    assert found["bad_groups"] == len(plain) == 43
    assert len(found["worst"]) == 43
    for one, (cost, name, place, values) in zip(found["worst"], plain, strict=True):
        assert (one["tensor"], one["place"], one["values"]) == (name, place, values)
        assert one["cost"] == pytest.approx(cost, rel=1e-6)
        marks = zip(values, one["kept"], one["correct"], strict=True)
        drops = [value for value, kept, stays in marks if kept and not stays]
        assert all(f"{value:.6g}" in one["sentence"] for value in drops)


def test_maps_say_what_plain_numpy_says(here: Here, model: Path) -> None:
    page, twin = made(here, model)
    shown = pictures(page)
    assert len(shown) == len(twin["maps"]) == 5
    for name, values in load_file(model).items():
        if not name.startswith("layers"):
            continue
        kept = values != 0
        density = shown[f"{name}: 1 px = 1×4 weights · density"]
        cells = kept.reshape(64, 160, 4).mean(2)
        np.testing.assert_allclose(density / 255, cells, atol=0.5 / 255 + 1e-9)
        bad = kept.reshape(64, 160, 4).sum(2) > 2
        violation = shown.get(f"{name}: 1 px = 1×4 weights · worst violation")
        assert (violation is None) == (not bad.any())
        if violation is not None:
            np.testing.assert_array_equal(violation > 0, bad)
    lit = {(one["layer"], one["plane"]): one["lit"] for one in twin["maps"]}
    assert lit["layers.1.up.weight", "violation"] == 3


def test_a_picture_is_never_scaled_down(here: Here, save: Save) -> None:
    tall = np.zeros((3000, 70), np.float32)
    tall[0, :3] = 1
    page, _ = made(here, save({"a.weight": tall, "b.weight": tall.T.copy()}))
    images = [one for name, one in Seen(page.decode()).elements if name == "img"]
    sizes = [one.shape for one in pictures(page).values()]
    assert len(images) == len(sizes) > 0
    for image, (height, width) in zip(images, sizes, strict=True):
        assert max(height, width) <= SIDE
        assert int(image["height"] or 0) % height == int(image["width"] or 0) % width == 0


def test_an_older_report_is_replaced_and_nothing_else(here: Here, model: Path) -> None:
    made(here, model)
    made(here, model)
    other = model.parent / "notes.html"
    other.write_text("<!doctype html> my own notes")
    before = model.read_bytes()
    for out in (other, model, model.parent):
        ended = here("report", model, "--out", out)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    twin = here("report", model, "--out", model.parent / "new.html", "--json", model)
    assert (twin.returncode, (model.parent / "new.html").exists()) == (2, False)
    assert model.read_bytes() == before
    assert other.read_text() == "<!doctype html> my own notes"


@pytest.mark.parametrize("out", ["/proc/report.html", "/dev/null/report.html"])
def test_a_place_where_nothing_can_be_written(here: Here, model: Path, out: str) -> None:
    ended = here("report", model, "--out", out)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)


def test_what_is_no_checkpoint_is_one_sentence(here: Here, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"nothing")
    ended = here("report", tmp_path / "bad", "--out", tmp_path / "report.html")
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert not (tmp_path / "report.html").exists()


def test_a_tensor_that_cannot_be_read_is_a_row(here: Here, save: Save, tmp_path: Path) -> None:
    path = save(
        {
            "good.weight": broken(64, 64, groups=0),
            "bad.compressed": weights(5),
            "bad.bitmask": np.full((64, 8), 255, np.uint8),
            "bad.shape": np.array([64, 64]),
            "bad.row_offsets": np.zeros(64, np.int64),
        }
    )
    ended = here("report", path, "--out", tmp_path / "report.html", "--json", tmp_path / "r.json")
    twin = json.loads((tmp_path / "r.json").read_bytes())
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    errors = {one["name"]: one["error"] for one in twin["layers"]}
    assert errors["good.weight"] == ""
    assert "bitmask" in errors["bad.weight"]
    assert errors["bad.weight"] in Seen((tmp_path / "report.html").read_text()).words


def test_a_dense_checkpoint_needs_no_violations(here: Here, save: Save) -> None:
    page, twin = made(here, save({"fc.weight": weights(32, 32)}))
    assert not {"violations", "maps"} & set(twin)
    assert "It is dense." in Seen(page.decode()).words


def test_further_pages_add_their_sections(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sparse_core.open(model) as checkpoint:
        material = gather(checkpoint, ScanOptions(cache=False))

    def when(_: object) -> Section:
        return Section("timeline", "When", text("It settled at step 3."), {"froze_at": 3})

    both = pages(material, [*SECTIONS, when, lambda _: None])
    assert json.loads(both.json)["timeline"] == {"froze_at": 3}
    assert "It settled at step 3." in Seen(both.html.decode()).words
    assert pages(material).html != both.html
