"""Where an address leads: the file system that fsspec has for it, and the errors that it raises."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sparse_core.checkpoints.unreadable import Unreadable

EXTRA = 'pip install "sparsescope[remote]"'

_KNOWN = frozenset({"hf", "s3", "gs", "https", "http", "memory"})
"""Some that fsspec knows run code that they are given; these only read."""


def connect(address: str) -> tuple[Any, str]:
    """Give the file system of an address, and the path in it.

    Raises
    ------
    Unreadable
        If nobody reads such addresses, or a package for it is not installed.
    """
    protocol = address.partition("://")[0]
    if protocol not in _KNOWN or "::" in address:
        known = ", ".join(f"{one}://" for one in sorted(_KNOWN - {"memory"}))
        raise Unreadable(f"addresses that begin with {protocol}:// are not read; {known} are.")
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise Unreadable(
            f"reading {protocol}:// needs packages that are not installed ({error}): {EXTRA}."
        ) from error
    return system, path


@contextmanager
def network_errors(address: str) -> Iterator[None]:
    """Turn whatever a store raises into an OSError with a sentence.

    Raises
    ------
    OSError
        FileNotFoundError where nothing lies there.
    """
    try:
        yield
    except Unreadable:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "nothing lies there", address) from error
    except PermissionError as error:
        raise PermissionError(
            errno.EACCES, "access was refused: sign in as its own tools do", address
        ) from error
    except Exception as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise OSError(errno.EIO, f"the store did not answer ({said})", address) from error
