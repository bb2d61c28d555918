"""The window's command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from inspector.link.places import split
from inspector.page_names import PAGES
from sparse_core.errors import SparseError
from sparse_core.messages import PLANES, Plane, is_address


class Arguments(msgspec.Struct, frozen=True):
    """What the command line asks for.

    Attributes
    ----------
    paths : tuple of str
        Checkpoints to open, as absolute text, ``HOST:PATH`` or an address; nobody looked whether
        they exist.
    pictures : str
        Folder to draw pictures into, "" for the window.
    page, tensor, plane : str
        What to draw; "" is what the window would choose.
    at : (int, int) or None
        Row and column of the weight under the cursor.
    zoom : float or None
        Pixels a weight; the map goes no closer than 64.
    diff : str
        Checkpoint to compare the first with, "" for none.
    """

    paths: tuple[str, ...] = ()
    pictures: str = ""
    page: str = ""
    tensor: str = ""
    plane: Plane | str = ""
    at: tuple[int, int] | None = None
    zoom: float | None = None
    diff: str = ""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line, like every other."""

    def error(self, message: str) -> NoReturn:
        raise SparseError(f"{message}. See sparsescope --help.")


def parse(words: Sequence[str]) -> Arguments:
    """Read the words of the command line.

    Raises
    ------
    SparseError
        If they make no sense.
    """
    parser = _Parser(prog="sparsescope", add_help=False)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--diff", metavar="PATH", default="")
    parser.add_argument("--pictures", metavar="DIR", default="")
    parser.add_argument("--page", choices=tuple(PAGES), default="")
    parser.add_argument("--tensor", default="")
    parser.add_argument("--plane", choices=PLANES, default="")
    parser.add_argument("--at", type=_place, default=None)
    parser.add_argument("--zoom", type=_zoom, default=None)
    args = parser.parse_args(list(words))
    for path in (*args.paths, args.diff):
        _refuse_bytes(path)
    if args.diff and len(args.paths) != 1:
        raise SparseError("--diff compares two checkpoints: write PATH --diff PATH.")
    if args.pictures and len(args.paths) != 1:
        raise SparseError("--pictures draws one checkpoint: name exactly one PATH.")
    if not args.pictures and (args.page or args.tensor or args.plane or args.at or args.zoom):
        raise SparseError("--page, --tensor, --plane, --at and --zoom go with --pictures DIR.")
    return Arguments(
        paths=tuple(map(_whole, args.paths)),
        diff=_whole(args.diff) if args.diff else "",
        pictures=args.pictures,
        page=args.page,
        tensor=args.tensor,
        plane=args.plane,
        at=args.at,
        zoom=args.zoom,
    )


def _whole(path: str) -> str:
    """Return a path that does not depend on the folder; addresses and other machines' stay."""
    elsewhere = split(path)[0] or is_address(path)
    return path if elsewhere else str(Path(path).absolute())


def _refuse_bytes(path: str) -> None:
    """Refuse a name that holds bytes which are no text: it cannot cross the pipe."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "replace").decode()
        raise SparseError(
            f"The name {shown} holds bytes that are no text: rename it, or use sparsescope scan."
        ) from None


def _place(text: str) -> tuple[int, int]:
    row, comma, column = text.partition(",")
    if not (comma and row.strip().isdecimal() and column.strip().isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no place: write ROW,COLUMN as in 117,332")
    return int(row), int(column)


def _zoom(text: str) -> float:
    try:
        zoom = float(text)
    except ValueError:
        zoom = 0.0
    if not zoom > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no zoom: write pixels a weight, as in 16")
    return zoom
