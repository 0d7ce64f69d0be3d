"""Scales pictures, and brings the brightness and colours of HDR to those of an ordinary screen (BT.709, eight bits)."""

from collections.abc import Iterable
from typing import Any, Final

from av.filter import Graph

HDR: Final = frozenset({16, 18})
"""Transfer functions PQ and HLG (ITU-T H.273, table 3)."""
FROM_HDR: Final = ":out_primaries=bt709:out_transfer=bt709:intent=perceptual"
"""Costs about three seconds for a table, once for each graph."""


def is_hdr(frame: Any) -> bool:
    """Checks whether an ordinary screen would show a picture grey and dull."""
    return frame.color_trc in HDR


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
