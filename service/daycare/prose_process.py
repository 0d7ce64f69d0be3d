"""Reads notes for milestones, line by line: the child process of `prose_queue`. Ends when its input ends.

An input line is a JSON list of notes. The output line gives, for each note, what it tells of and what it may tell of.
"""

import os
import sys

import msgspec

from service.daycare.prose.reader import findings_in
from service.daycare.translate import Prose

NICE = 5
"""A lower priority than the service's, so that pushes go first."""


def main() -> None:
    """Writes the findings of each input line, until the input ends."""
    os.nice(NICE)
    decode, encode = msgspec.json.Decoder(list[Prose]).decode, msgspec.json.Encoder().encode
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(encode([findings_in(note.text, names=note.names) for note in decode(line)]) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
