"""A screen for programs that open a real window."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

SCREEN = "1600x1000x24"


@pytest.fixture
def screen() -> Iterator[str]:
    """An X11 server of our own, which ends with the test."""
    program = shutil.which("Xvfb")
    assert program, "Xvfb is not installed: run `make test`, or apt-get install xvfb"
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
