"""A real sshd on the loopback address, with keys and configuration of its own.

Nothing of the user's is read or written: the client is told ``-F``, the server its own files.
"""

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0

_SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UseDNS no
LogLevel ERROR
SetEnv PATH={folder}/bin:/usr/bin:/bin PYTHONPATH={root} XDG_CACHE_HOME={folder}/cache
"""

_CLIENT = """\
Host gpu stale
    Port {port}
Host away
    Port {closed}
Host refused
    Port {port}
    IdentityFile {folder}/other_key
Host stale
    UserKnownHostsFile {folder}/stale_hosts
Host gpu stale away
    IdentityFile {folder}/user_key
Host gpu refused stale away
    HostName 127.0.0.1
Host *
    User {user}
    IdentitiesOnly yes
    IdentityAgent none
    HostKeyAlias loopback
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
"""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Loopback:
    """The server and how to reach it.

    Attributes
    ----------
    ssh : str
        The command for ``Settings.ssh``. Hosts: ``gpu`` works, ``refused`` knows another key,
        ``stale`` has another host key, ``away`` does not listen.
    cache : Path
        Where cores behind the server keep what they found.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cache = folder / "cache"
        for name in ("host_key", "user_key", "other_key"):
            self._make_key(folder / name)
        self._write_hosts()
        self._write_command()
        self.port = free_port()
        names = {"port": self.port, "folder": folder, "root": ROOT, "closed": free_port()}
        (folder / "sshd_config").write_text(_SERVER.format(**names))
        (folder / "ssh_config").write_text(_CLIENT.format(user=getpass.getuser(), **names))
        options = "-T -o BatchMode=yes -o ConnectTimeout=10"
        self.reach = f"ssh -F {shlex.quote(str(folder / 'ssh_config'))} {options}"
        self.ssh = f"{self.reach} HOST sparsescope serve"

    def start(self) -> None:
        """Start the server and wait until it listens."""
        program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
        assert program, "sshd is not installed: run `make test`, or apt-get install openssh-server"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self._folder / "sshd_config"
        self._server = subprocess.Popen(
            [program, "-D", "-e", "-f", str(config)], stderr=subprocess.PIPE
        )
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port))):
                return
            time.sleep(0.02)
        self._server.kill()
        raise AssertionError(f"sshd does not listen: {self._server.communicate()[1]!r}")

    def stop(self) -> None:
        """End the server and every session."""
        self.cut()
        self._server.terminate()
        self._server.communicate(timeout=PATIENCE_S)

    def cut(self) -> None:
        """Break every line, as a network does: nobody says goodbye."""
        for process in _children(self._server.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _make_key(self, path: Path) -> None:
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
        subprocess.run(words, check=True)

    def _write_hosts(self) -> None:
        for name, key in (("known_hosts", "host_key"), ("stale_hosts", "other_key")):
            public = (self._folder / f"{key}.pub").read_text()
            (self._folder / name).write_text(f"loopback {public}")

    def _write_command(self) -> None:
        command = self._folder / "bin" / "sparsescope"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m sparse_core "$@"\n')
        command.chmod(0o755)


def _children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found
