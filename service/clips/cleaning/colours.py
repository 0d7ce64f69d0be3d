"""Brings the brightness and colours of HDR to those of an ordinary screen (BT.709, eight bits): of a film, and of one still.

A film goes through libswscale, which needs some seconds for a table at the film's beginning. A still goes through a coarser table
of our own, which is there at once.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from av.filter import Graph
from PIL import Image, ImageFilter

PQ: Final = 16
HLG: Final = 18
HDR: Final = frozenset({PQ, HLG})
"""Transfer functions (ITU-T H.273, table 3)."""
FROM_HDR: Final = ":out_primaries=bt709:out_transfer=bt709:intent=perceptual"

STEPS: Final = 33
WHITE_NITS: Final = 203
"""White paper (ITU-R BT.2408, section 2.2)."""
BRIGHTEST: Final = 1_000 / WHITE_NITS
# ITU-R BT.2087, annex 2: from the primaries of BT.2020 to those of BT.709.
TO_BT709: Final = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))


def is_hdr(frame: Any) -> bool:
    """Checks whether an ordinary screen would show a picture grey and dull."""
    return frame.color_trc in HDR


def ordinary_still(image: Image.Image, transfer: int) -> Image.Image:
    """Returns an image of HDR, in RGB of BT.2020, as an ordinary screen shows it."""
    return image.filter(_table(transfer))


@cache
def _table(transfer: int) -> ImageFilter.Color3DLUT:
    linear = _linear_of_pq if transfer == PQ else _linear_of_hlg

    def ordinary(*signals: float) -> tuple[float, ...]:
        light = [linear(one) for one in signals]
        mixed = (sum(share * one for share, one in zip(row, light, strict=True)) for row in TO_BT709)
        return tuple(_shown(one) for one in mixed)

    return ImageFilter.Color3DLUT.generate(STEPS, ordinary)


def _linear_of_pq(signal: float) -> float:
    """Returns how many times as bright as white paper a signal is (ITU-R BT.2100, table 4)."""
    root = signal ** (1 / 78.84375)
    return 10_000 / WHITE_NITS * float((max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125))


def _linear_of_hlg(signal: float) -> float:
    """Returns how many times as bright as white paper a signal is, on a screen of 1,000 nits (ITU-R BT.2100, table 5)."""
    scene = signal * signal / 3 if signal <= 0.5 else (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return BRIGHTEST * float(scene**1.2)


def _shown(light: float) -> float:
    """Returns the signal of an ordinary screen: bright light is pressed together, so that no cloud becomes a white spot."""
    light = max(light, 0.0)
    pressed = light * (1 + light / BRIGHTEST**2) / (1 + light)
    return float(min(pressed, 1.0) ** (1 / 2.2))


def scaler(frame: Any, width: int, height: int, filters: Iterable[tuple[str, str]] = ()) -> Any:
    """Returns a graph for pictures like this one. Its filters, each with its argument, follow on the scaling."""
    graph = Graph()
    graph.threads = 1
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
        f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    scale = f"w={width}:h={height}:flags=bicubic:out_color_matrix=bt709:out_range=tv{FROM_HDR if is_hdr(frame) else ''}"
    nodes = [graph.add(name, argument or None) for name, argument in (("scale", scale), ("format", "yuv420p"), *filters)]
    graph.link_nodes(source, *nodes, graph.add("setsar", "1"), graph.add("buffersink")).configure()
    return graph
