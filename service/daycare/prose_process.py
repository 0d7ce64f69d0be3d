"""Runs as the child process of `prose_queue`, and searches notes for milestones. Ends when its input ends.

An input line is a JSON list of notes. The output line is a JSON list with the findings of each note, in the order of the notes.
"""

import os
import sys

import msgspec

from service.daycare.prose.reader import findings_in
from service.daycare.translate import Prose

NICE = 5
"""The number that is added to the `nice` value of this process, so that the service runs first."""


def main() -> None:
    """Reads lines of notes one after the other, and writes a line of findings for each line of notes.

    Ends when the input ends.
    """
    os.nice(NICE)
    decode, encode = msgspec.json.Decoder(list[Prose]).decode, msgspec.json.Encoder().encode
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(encode([findings_in(note.text, names=note.names) for note in decode(line)]) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
