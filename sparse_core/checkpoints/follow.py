"""Follow a series that grows: whole checkpoints only, and every replaced one anew."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sparse_core.checkpoints.checkpoint import open_checkpoint
from sparse_core.checkpoints.series import Member, Series, find_series
from sparse_core.errors import CheckpointError


class Follower:
    """Looks at a series again and again.

    A checkpoint counts as whole when its ``stat`` was the same at two looks and its headers can
    be read; what was there at the first look needs only the second of these. What was whole once
    and is deleted (a training keeps its last five) stays in the series.

    Parameters
    ----------
    sources, exclude
        As for ``find_series``.
    """

    def __init__(self, sources: Sequence[str | Path], exclude: Sequence[str] = ()) -> None:
        self._sources = tuple(sources)
        self._exclude = tuple(exclude)
        self._seen: dict[Path, str] | None = None
        self._whole: dict[Path, Member] = {}

    def poll(self) -> Series:
        """Give the series as it is now.

        Returns
        -------
        Series
            Its whole checkpoints by step; a replaced one has another stamp than before. ``notes``
            name those that cannot be read, yet or at all. Empty while nothing is there.
        """
        try:
            series = find_series(self._sources, self._exclude)
        except (CheckpointError, OSError) as error:
            series = Series((), (str(error),))
        first, seen = self._seen is None, self._seen or {}
        notes = list(series.notes)
        for member in series.members:
            known = self._whole.get(member.path)
            if known is not None and known.stamp == member.stamp:
                self._whole[member.path] = member
            elif first or seen.get(member.path) == member.stamp:
                notes += self._try(member)
        self._seen = {member.path: member.stamp for member in series.members}
        there = sorted(self._whole.values(), key=lambda one: one.step)
        return Series(tuple(_one_a_step(there)), tuple(notes))

    def _try(self, member: Member) -> list[str]:
        """Take a checkpoint in if its headers can be read; else say why not."""
        try:
            with open_checkpoint(member.path) as checkpoint:
                stamp = checkpoint.stamp
        except CheckpointError as error:
            return [f"{error} Waiting for it."]
        if stamp == member.stamp:
            self._whole[member.path] = msgspec.structs.replace(member, stamp=stamp)
        return []


def _one_a_step(members: Sequence[Member]) -> list[Member]:
    """Keep the newest of members that stand at the same step."""
    return list({member.step: member for member in members}.values())
