"""A header of many tensors: the window gets its turn all the while, through the real core."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import weights_story
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from weights_story import User

TENSORS = 40_000

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture
def user(qapp: QApplication, tmp_path: Path) -> Iterator[User]:
    user = weights_story.start(qapp, tmp_path / "settings.json")
    yield user
    user.window.close()
    user.window.deleteLater()


def write_header(path: Path) -> None:
    names = [f"model.layers.{n // 200}.experts.{n % 200}.up_proj.weight" for n in range(TENSORS)]
    header = {
        name: {"dtype": "F32", "shape": [4, 8], "data_offsets": [128 * at, 128 * at + 128]}
        for at, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 128 * TENSORS)


def test_rows_arrive_a_frame_at_a_time_and_the_loop_turns_between(
    user: User, tmp_path: Path
) -> None:
    write_header(tmp_path / "many.safetensors")
    seen: list[int] = []
    timer = QTimer()
    timer.setInterval(5)
    user.window.open_path(str(tmp_path / "many.safetensors"))
    feed = user.window.feed
    assert feed is not None
    timer.timeout.connect(lambda: seen.append(len(feed.table)))
    timer.start()
    weights_story.until(lambda: len(feed.table) == TENSORS, "the whole listing")
    timer.stop()
    partly = {rows for rows in seen if 0 < rows < TENSORS}
    assert len(partly) >= 3, "the window stood still while the listing arrived"
    assert max(b - a for a, b in pairwise(seen)) <= TENSORS // 2
