"""The core process: start it, talk to it, start it again."""
