"""Write requirements.lock from what this environment has installed: ``make lock``.

Every distribution that pyproject.toml asks for, directly or through others, is pinned: first what
the program needs to run, then what only development needs. There are no hashes, and no local
versions such as ``+cpu``, because PyTorch is the same version in several builds and each user
picks one (docs/decisions/0002). What only such a build brings along, as the CUDA build does with
its libraries, is left to that build's own exact pins.
"""

import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
BUILD = ("setuptools",)
"""Builds the project itself without a second download (``--no-build-isolation``)."""

Pins = dict[str, str]


def wanted(lines: Iterable[str], extras: Iterable[str] = ()) -> list[Requirement]:
    """Parse requirement lines and keep those that apply to this Python and these extras."""
    environments = [{"extra": extra} for extra in ("", *extras)]
    requirements = [Requirement(line) for line in lines]
    return [
        each
        for each in requirements
        if each.marker is None or any(each.marker.evaluate(env) for env in environments)
    ]


def closure(lines: Iterable[str]) -> Pins:
    """Pin the named distributions and all that they need, by canonical name.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        When one of them is not installed here.
    """
    pins: Pins = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = wanted(lines)
    while queue:
        requirement = queue.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        found = distribution(requirement.name)
        pins[key[0]] = Version(found.version).public
        queue += wanted(found.requires or (), requirement.extras)
    return pins


def render(title: str, pins: Pins) -> str:
    """Give one part of the file: a heading and sorted pins."""
    lines = [f"{name}=={version}" for name, version in sorted(pins.items())]
    return "\n".join([f"# {title}", *lines]) + "\n"


def main() -> int:
    """Write the file beside pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    runtime = closure(project["dependencies"])
    development = closure([*project["optional-dependencies"]["dev"], *BUILD])
    for name in runtime:
        development.pop(name, None)
    text = "\n".join(
        [
            "# Written by `make lock`; for Python 3.11 to 3.13 on Linux. Do not edit.",
            render("To run", runtime),
            render("To develop", development),
        ]
    )
    (ROOT / "requirements.lock").write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
