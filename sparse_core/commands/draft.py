"""Answer what may be trained, one JSON line a question: the form, and recipes looked at.

Started by the core, which holds no torch, as a child that it may end at any time; of no use in a
terminal.
"""

import argparse
import os
import sys

import msgspec

from sparse_core.commands.streams import take_channels
from sparse_core.errors import SparseError
from sparse_core.messages import Failed
from sparse_core.messages.training import Draft, DraftWanted, Form, FormWanted

SUMMARY = "answer what may be trained over stdin and stdout"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


def run(args: argparse.Namespace) -> int:
    """Answer until stdin ends."""
    # What a user's code prints must not stand among the answers.
    source, sink = take_channels()
    decoder = msgspec.json.Decoder(FormWanted | DraftWanted)
    with os.fdopen(source, "rb") as questions, os.fdopen(sink, "wb") as answers:
        for line in questions:
            answers.write(msgspec.json.encode(_answer(decoder.decode(line))) + b"\n")
            answers.flush()
    return 0


def _answer(wanted: FormWanted | DraftWanted) -> Form | Draft | Failed:
    try:
        if isinstance(wanted, FormWanted):
            from sparse_core.training.describing import form

            return form(wanted)
        from sparse_core.training.drafting import answer

        return answer(wanted)
    except SparseError as error:
        return Failed(str(error), "RunError")
    except ImportError as error:
        sentence = f"{sys.executable} cannot train ({error}): choose another interpreter."
        return Failed(sentence, "ImportError")
