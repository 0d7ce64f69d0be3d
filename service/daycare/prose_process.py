"""Reads notes for milestones, line by line: the other end of `prose_queue`, in a process of its own. Ends with its input.

A line in is a JSON list of notes; a line out gives for each what it tells of and what it may tell of.
"""

import os
import sys

import msgspec

from service.daycare.prose.reader import findings_in
from service.daycare.translate import Prose

NICE = 5
"""Whoever pushes goes before what is read."""


def main() -> None:
    """Answer each line, until there are no more."""
    os.nice(NICE)
    decode, encode = msgspec.json.Decoder(list[Prose]).decode, msgspec.json.Encoder().encode
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(encode([findings_in(note.text, names=note.names) for note in decode(line)]) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
