"""Interpreters that are none: scripts that behave as a job's process may."""

import sys
from pathlib import Path

HEAD = f"""#!{sys.executable}
import json, os, signal, socket, subprocess, sys, time
"""
DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.write(1, b"deaf\\n")
"""
GRANDCHILD = """
# A grandchild in a session of its own, left behind by its parent: a double fork.
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
os.wait()
"""
GARBAGE = """
os.write(1, b"\\xff\\xfe\\x00garbage\\x1b[2J\\r\\n{not json\\n" * 100)
"""
SLEEP = """
time.sleep(600)
"""


def script(path: Path, *parts: str) -> str:
    """Write an interpreter that does these parts, whatever it is asked to run."""
    path.write_text(HEAD + "".join(parts))
    path.chmod(0o755)
    return str(path)
