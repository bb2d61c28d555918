"""The version, in one place: packages, the handshake and ``--version`` read it."""

VERSION = "0.1.0"
