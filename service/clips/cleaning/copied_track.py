"""Copies one track of a film into the new file: each packet's kept bytes and times, and nothing else of the packet.

Pictures that the film hides (an edit list begins or ends between two key frames, as after a cut on a phone) are not copied. The
pictures behind them need them, so those are left out too, up to the next key frame. Of hidden sound the last tenth of a second is
copied, without which the sound behind it begins with a crack.
"""

from collections import deque
from typing import Any, Final

import av

from service.clips.cleaning.decoding_times import DecodingTimes
from service.clips.cleaning.film_files import codec_of
from service.clips.cleaning.sound import Filter

SKIPPED_SAMPLES: Final = "skip_samples"
TAG_BY_CODEC: Final = {"hevc": "hvc1"}
"""Safari plays no hev1."""
LEAD_IN_S: Final = 0.1
"""Of sound. AAC needs 2,112 samples at most, Opus 80 ms (RFC 7845, section 4.6)."""


class CopiedTrack:
    """One track of the source, and the track of the new file that it becomes."""

    def __init__(self, source: Any, written: Any, configuration: bytes, kept: Filter) -> None:
        self.source = source
        self.target = written.add_stream_from_template(source, opaque=True)
        self.target.metadata.clear()
        self.target.codec_context.extradata = configuration or None
        if (tag := TAG_BY_CODEC.get(codec_of(source))) is not None:
            self.target.codec_context.codec_tag = tag
        self.has_hidden = False
        self.is_empty = True
        self._kept = kept
        self._times = DecodingTimes()
        self._is_picture = source.type == "video"
        self._waits_for_key_frame = False
        self._lead_in: deque[Any] = deque()
        self._last_dts: int | None = None

    def packets_of(self, read: Any) -> list[Any]:
        """Returns the new packets that are ready after one more packet of the source."""
        return self._copies(self._times.timed(read))

    def rest(self) -> list[Any]:
        """Returns the new packets of a track whose end was read."""
        return self._copies(self._times.rest())

    def _copies(self, packets: list[Any]) -> list[Any]:
        shown = self._shown if self._is_picture else self._heard
        return [copy for read in packets for one in shown(read) if (copy := self._copy(one)) is not None]

    def _copy(self, read: Any) -> Any | None:
        """Returns a new packet with the kept bytes; None if no byte is kept."""
        data = self._kept(bytes(read))
        if not data:
            return None
        packet = av.Packet(data)
        # Two packets of one time occur in files of phones; the container needs them one after the other.
        packet.dts = read.dts if self._last_dts is None else max(read.dts, self._last_dts + 1)
        packet.pts = max(packet.dts, read.dts if read.pts is None else read.pts)
        packet.duration, packet.time_base = read.duration, read.time_base
        self._last_dts = packet.dts
        packet.is_keyframe = read.is_keyframe
        if read.has_sidedata(SKIPPED_SAMPLES):  # numbers alone: how much of the sound's beginning or end is not played
            packet.set_sidedata(read.get_sidedata(SKIPPED_SAMPLES))
        packet.stream = self.target
        self.is_empty = False
        return packet

    def _shown(self, read: Any) -> list[Any]:
        """Returns a packet with a picture, if that is shown and can be decoded from what is copied."""
        if read.is_discard:
            self.has_hidden = self._waits_for_key_frame = True
        elif read.is_keyframe:
            self._waits_for_key_frame = False
        return [] if self._waits_for_key_frame else [read]

    def _heard(self, read: Any) -> list[Any]:
        """Returns a packet with sound, if that is heard, and those that lead into it."""
        self._lead_in.append(read)
        if read.is_discard:
            while (read.dts - self._lead_in[0].dts) * read.time_base > LEAD_IN_S:
                self._lead_in.popleft()
            return []
        packets = list(self._lead_in)
        self._lead_in.clear()
        return packets
