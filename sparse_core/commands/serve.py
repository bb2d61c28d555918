"""Answer a window's questions over stdin and stdout, in binary messages.

Started by the window, here or through ssh; of no use in a terminal.
"""

import argparse
import gc
import logging
import os
import platform
import socket
import sys
from pathlib import Path
from typing import NoReturn

import msgspec

from sparse_core import native
from sparse_core.commands.streams import take_channels
from sparse_core.messages import PROTOCOL, Call, FrameReader, Welcome
from sparse_core.service import Service
from sparse_core.version import VERSION

SUMMARY = "answer a window over stdin and stdout"
READ_BYTES = 1 << 16
GARBAGE_AFTER = 50_000
"""New objects after which cycles are looked for. Listings are 10^5 values without cycles, and
Python's 700 spends a fifth of the time that it takes to make them."""

LOG = logging.getLogger(__name__)


class _Envelope(msgspec.Struct):
    """A call of which only the number is understood."""

    id: int
    body: msgspec.Raw


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: a core has no options."""


def run(args: argparse.Namespace) -> int:
    """Serve until stdin ends."""
    source, sink = take_channels()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
    service = Service(lambda frame: _write(sink, frame))
    service.start()
    service.tell(welcome())
    listen(source, service)
    _leave()


def welcome() -> Welcome:
    """Say who serves."""
    return Welcome(
        protocol=PROTOCOL,
        program=VERSION,
        native=native.name(),
        threads=os.cpu_count() or 1,
        pid=os.getpid(),
        host=socket.gethostname(),
        python=platform.python_version(),
        home=str(Path.home()),
    )


def listen(source: int, service: Service) -> None:
    """Take calls until the other side is gone."""
    reader = FrameReader()
    decoder = msgspec.msgpack.Decoder(Call)
    envelope = msgspec.msgpack.Decoder(_Envelope)
    while data := os.read(source, READ_BYTES):
        for payload in reader.feed(data):
            try:
                service.handle(decoder.decode(payload))
            except msgspec.DecodeError as error:
                LOG.error("a call was not understood: %s", error)
                try:
                    number = envelope.decode(payload).id
                except msgspec.DecodeError:
                    continue
                service.refuse(number, f"This core (version {VERSION}) does not know the request.")


def _write(sink: int, frame: bytes) -> None:
    """Write a whole frame; where nobody reads, end."""
    view = memoryview(frame)
    try:
        while view:
            view = view[os.write(sink, view) :]
    except OSError:
        _leave()


def _leave() -> NoReturn:
    """End at once: workers may be deep in a file, and nothing of theirs is worth waiting for."""
    logging.shutdown()
    os._exit(0)
