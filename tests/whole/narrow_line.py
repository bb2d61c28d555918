"""A command behind a narrow line: every byte of its pipe is late, and few go at once.

``python narrow_line.py [--delay-ms 80] [--mbit 10] [--cut-after BYTES --once FILE] -- COMMAND``

``--delay-ms`` is the time there and back. With ``--cut-after`` the line breaks in the middle of
what comes back, as ssh would say it; only if FILE does not exist yet, which is then made.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

CHUNK = 4096
SSH_FAILED = 255


class Way:
    """One direction of the line."""

    def __init__(self, source: int, sink: int, delay_s: float, bytes_a_second: float) -> None:
        self._source, self._sink = source, sink
        self._delay_s, self._rate = delay_s, bytes_a_second
        self._late: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        self.gate: Callable[[bytes], bytes] = lambda data: data

    def start(self) -> Thread:
        Thread(target=self._take, daemon=True).start()
        giver = Thread(target=self._give, daemon=True)
        giver.start()
        return giver

    def _take(self) -> None:
        free = 0.0
        while data := os.read(self._source, CHUNK):
            free = max(free, time.monotonic()) + len(data) / self._rate
            self._late.put((free + self._delay_s, data))
        self._late.put((free + self._delay_s, b""))

    def _give(self) -> None:
        while True:
            due, data = self._late.get()
            time.sleep(max(due - time.monotonic(), 0))
            if not data:
                os.close(self._sink)
                return
            view = memoryview(self.gate(data))
            while view:
                view = view[os.write(self._sink, view) :]


class Cut:
    """Breaks the line after so many bytes."""

    def __init__(self, after: int) -> None:
        self._left = after

    def __call__(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left > 0:
            return data
        os.write(1, data[: len(data) // 2])
        os.write(2, b"client_loop: send disconnect: Broken pipe\n")
        os._exit(SSH_FAILED)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=80.0)
    parser.add_argument("--mbit", type=float, default=10.0)
    parser.add_argument("--cut-after", type=int, default=0)
    parser.add_argument("--once", type=Path)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    child = subprocess.Popen(args.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin
    assert child.stdout
    line = (args.delay_ms / 2000, args.mbit * 125_000)
    there = Way(0, os.dup(child.stdin.fileno()), *line)
    child.stdin.close()
    back = Way(child.stdout.fileno(), 1, *line)
    if args.cut_after and not args.once.exists():
        args.once.touch()
        back.gate = Cut(args.cut_after)
    there.start()
    back.start().join()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
