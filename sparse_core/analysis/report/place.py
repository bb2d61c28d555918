"""Where a report may be written: on a free place or, if allowed, over an older report."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparse_core.analysis.report.page import HTML_MARK, JSON_MARK, Pages
from sparse_core.checkpoints.saving import check_target, discard_partial, same_file, write_whole
from sparse_core.errors import SparseError


class Place(msgspec.Struct, frozen=True):
    """Where a report goes.

    Attributes
    ----------
    html : Path
    json : Path or None
        None writes the page alone.
    replace : bool
        Whether an older report makes room. Nothing else ever does.
    """

    html: Path
    json: Path | None = None
    replace: bool = False

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse what cannot be written, before anything is read.

        Parameters
        ----------
        inputs : sequence of Path
            Files of the checkpoint.

        Raises
        ------
        SparseError
            If both are one file, or something else than an older report lies there.
        """
        if self.json is not None and self.json.absolute() == self.html.absolute():
            raise SparseError("The page and the JSON name the same file: give two.")
        for target, mark in self._marks():
            apart = not any(same_file(target, one) for one in inputs)
            if not (self.replace and apart and _begins_with(target, mark)):
                check_target(target, inputs)

    def write(self, pages: Pages) -> dict[Path, int]:
        """Write a report, each file whole or not at all.

        Returns
        -------
        dict of Path to int
            The bytes of each file.

        Raises
        ------
        SparseError
            If the disk refuses.
        """
        made = {target: content for (target, _), content in zip(self._marks(), pages, strict=False)}
        for target, content in made.items():
            write_whole(target, [content], replace=self.replace and target.exists())
        return {target: len(content) for target, content in made.items()}

    def discard_partial(self) -> None:
        """Remove what a writer that died left behind."""
        for target, _ in self._marks():
            discard_partial(target)

    def _marks(self) -> list[tuple[Path, bytes]]:
        """Name the files and what each begins with."""
        page = [(self.html, HTML_MARK)]
        return page if self.json is None else [*page, (self.json, JSON_MARK)]


def _begins_with(target: Path, mark: bytes) -> bool:
    """Say whether an older report lies there."""
    try:
        with target.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError:
        return False
