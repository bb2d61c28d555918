"""The thin progress bar of the command line."""

import io

import pytest

from sparse_core.commands.progress import ProgressBar
from sparse_core.messages import Progress


def test_the_bar_says_how_far_and_how_long_and_goes_away() -> None:
    out = io.StringIO()
    with ProgressBar(out) as bar:
        bar.show(Progress(25, 100, "bytes", 12.4, "layers.3.up_proj.weight"))
        drawn = out.getvalue()
        assert drawn.startswith("\r██████░")
        assert " 25 % 12 s left layers.3.up_proj.weight" in drawn
        bar.show(Progress(100, 100, "bytes", None))
    last = out.getvalue().split("\r")
    assert "100 %" in last[-3]
    assert last[-2].strip() == ""
    assert last[-1] == ""


def test_a_longer_line_is_wiped_whole() -> None:
    out = io.StringIO()
    bar = ProgressBar(out)
    bar.show(Progress(1, 2, "bytes", None, "a" * 200))
    bar.show(Progress(1, 2, "bytes", None, "b"))
    long, short = out.getvalue().split("\r")[1:]
    assert len(long) == len(short) <= 78


def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar(None) as bar:
        bar.show(Progress(1, 2, "bytes", None))
    assert capsys.readouterr() == ("", "")
