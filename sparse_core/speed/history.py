"""Speed tests that are kept: files of rows, as ``speed --json`` writes them, by checkpoint."""

import os
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
from platformdirs import user_state_path

from sparse_core.errors import SparseError
from sparse_core.messages.speed import Machine, Row, SpeedRow
from sparse_core.runs.atomic import replace_file

MOST = 50
"""Tests that are kept of a checkpoint; the oldest go first."""
MOST_BYTES = 64 << 20
"""A file of rows is small; what is larger is something else."""
SUFFIX = ".jsonl"

_DECODER = msgspec.json.Decoder(Row)


def home(path: str) -> Path:
    """Give the folder that the tests of a checkpoint lie in, whether it exists or not."""
    name = blake2b(os.fsencode(os.path.realpath(path)), digest_size=12).hexdigest()
    return user_state_path("sparsescope", appauthor=False) / "speed" / name


def keep(path: str, rows: Sequence[Row]) -> Path:
    """Write the rows of a test, and drop the oldest tests.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    folder = home(path)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.time()
    day = time.strftime("%Y-%m-%d %H.%M.%S", time.localtime(stamp))
    target = folder / f"{day}.{int(stamp % 1 * 1000):03d}{SUFFIX}"
    replace_file(target, [msgspec.json.encode(row) + b"\n" for row in rows])
    for old in tests_of(path)[MOST:]:
        old.unlink(missing_ok=True)
    return target


def tests_of(path: str) -> list[Path]:
    """List the files of a checkpoint's tests, the latest first."""
    return sorted(home(path).glob(f"*{SUFFIX}"), reverse=True)


def read(path: Path) -> tuple[Row, ...]:
    """Read the rows of a file, one that is kept or that ``speed --json`` wrote elsewhere.

    Raises
    ------
    SparseError
        If it cannot be read, or holds no rows.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SparseError(f"{path} is no result of a speed test: it is too large.")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SparseError(f"{path} cannot be read: {error.strerror}.") from error
    rows: list[Row] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(_DECODER.decode(line))
        except msgspec.DecodeError as error:
            raise SparseError(
                f"{path} is no result of a speed test: line {number} is none of its rows. Make one "
                "with: sparsescope speed CHECKPOINT --json > FILE."
            ) from error
    if not any(isinstance(row, SpeedRow) for row in rows):
        raise SparseError(f"{path} holds no timed row.")
    return tuple(rows)


def title_of(rows: Sequence[Row]) -> str:
    """Say in a few words what was timed, and where."""
    timed = [row for row in rows if isinstance(row, SpeedRow)]
    batches = ", ".join(f"{one:,}" for one in sorted({row.batch for row in timed}))
    layers = len({row.layer for row in timed})
    places = [row.device for row in rows if isinstance(row, Machine)]
    shapes = f"{layers} shape{'s' if layers != 1 else ''}"
    return " · ".join([shapes, f"batch {batches}", *places[:1]])
