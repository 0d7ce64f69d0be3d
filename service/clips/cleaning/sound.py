"""Decides what becomes of a film's sound: copied without its text where browsers play it, else encoded anew.

Sound of cameras that no browser plays (PCM, AMR, AC-3, MP2 and others) becomes AAC in MP4 and Opus in WebM, mono or stereo, with
its sample rate up to 48 kHz. So does MP3, into whose frames encoders write their names, and sound of more than two channels in
Opus. Pictures are never encoded anew here.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

from av.filter import Graph

from service.clips.cleaning.aac import configuration_without_text, without_text
from service.clips.cleaning.film_files import codec_of
from service.clips.cleaning.refusals import CannotClean
from service.clips.cleaning.xiph_sound import opus_header, opus_without_padding, vorbis_headers

Form = Literal["mp4", "webm"]
"""The container of the new film."""
Filter = Callable[[bytes], bytes]

COPIED: Final = {"mp4": {"aac", "opus"}, "webm": {"opus", "vorbis"}}
DECODED: Final = frozenset(
    {"aac", "ac3", "alac", "amrnb", "amrwb", "amr_nb", "amr_wb", "eac3", "flac", "mp1", "mp2", "mp3", "opus", "vorbis"}
)
"""Beside PCM. The decoders of other sound are not needed for films of phones and cameras: such a film is refused."""
ENCODER: Final = {"mp4": "aac", "webm": "libopus"}
RATES: Final = {"aac": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000), "libopus": (48_000,)}
BITS_A_SECOND: Final = 96_000
"""Of each channel."""
CATCH_UP: Final = "1000"
"""Samples a second, by which sound is stretched to its times where the source has gaps."""


def is_known(sound: Any) -> bool:
    """Checks whether a sound track can be copied or decoded."""
    return codec_of(sound) in DECODED or codec_of(sound).startswith("pcm_")


def copying(sound: Any, form: Form) -> tuple[bytes, Filter] | None:
    """Returns the decoder's configuration and the filter of a sound track that is copied. None: it is encoded anew."""
    codec, configuration = codec_of(sound), bytes(sound.codec_context.extradata or b"")
    if codec not in COPIED[form]:
        return None
    match codec:
        case "aac":
            plain = configuration_without_text(configuration)
            return None if plain is None else (plain, without_text)
        case "opus":
            plain = opus_header(configuration)
            return None if plain is None else (plain, opus_without_padding)
        case _:
            return vorbis_headers(configuration), bytes


class EncodedSound:
    """One sound track of the source, encoded anew into a track of the new file."""

    def __init__(self, source: Any, written: Any, form: Form) -> None:
        heard, encoder = source.codec_context, ENCODER[form]
        if not heard.sample_rate:
            raise CannotClean("clip.broken")
        layout = "mono" if heard.layout.nb_channels == 1 else "stereo"
        rate = next((one for one in RATES[encoder] if one >= heard.sample_rate), 48_000)
        self.source = source
        self.target = written.add_stream(encoder, rate=rate, layout=layout, options={"flags": "+bitexact"})
        self.target.bit_rate = BITS_A_SECOND * self.target.layout.nb_channels
        self.target.codec_context.thread_count = 1
        self.target.codec_context.open()
        self._into = f"sample_fmts={self.target.format.name}:sample_rates={rate}:channel_layouts={layout}"
        self._graph: Any = None

    def packets_of(self, read: Any) -> list[Any]:
        """Returns the new packets that are ready after one more packet of the source."""
        return [packet for heard in read.decode() for packet in self._encoded(heard)]

    def rest(self) -> list[Any]:
        """Returns the new packets of a track whose end was read."""
        packets = [packet for heard in self.source.decode() for packet in self._encoded(heard)]
        if self._graph is not None:
            packets += self._encoded(None)
        return [*packets, *self.target.encode(None)]

    def _encoded(self, heard: Any | None) -> list[Any]:
        if self._graph is None:
            self._graph = self._resampler(heard)
        self._graph.push(heard)
        packets = []
        while (frame := self._pulled()) is not None:
            packets += self.target.encode(frame)
        return packets

    def _pulled(self) -> Any | None:
        """Returns the next resampled frame; None if the graph needs more."""
        try:
            return self._graph.pull()
        except (BlockingIOError, EOFError):
            return None

    def _resampler(self, heard: Any) -> Any:
        """Returns a graph that brings frames like this one to the encoder's rate, layout and frame size."""
        graph = Graph()
        graph.threads = 1
        first = graph.add_abuffer(
            sample_rate=heard.sample_rate, format=heard.format.name, layout=heard.layout.name, time_base=heard.time_base
        )
        graph.link_nodes(
            first, graph.add("aresample", f"async={CATCH_UP}"), graph.add("aformat", self._into), graph.add("abuffersink")
        ).configure()
        graph.set_audio_frame_size(self.target.codec_context.frame_size)
        return graph
