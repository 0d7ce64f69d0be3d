"""Makes files that try to have their reader open other files and addresses, or take memory and time without end."""

import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image

from tests.service.clips.planting import box, changed, patched

ZIP = b"PK\x05\x06" + bytes(18)
HTML = b"<!doctype html><script>alert(1)</script>"
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd" width="9" height="9"/></svg>'


class Listener:
    """A TCP port and a UDP port of this machine that notice whoever comes."""

    def __init__(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port: int = self._tcp.getsockname()[1]
        self._udp.bind(("127.0.0.1", self.port))
        self._tcp.setblocking(False)
        self._udp.setblocking(False)

    def heard(self) -> list[str]:
        """Returns what came: a connection is complete before anybody accepts it."""
        found = []
        for name, come in (("TCP", self._tcp.accept), ("UDP", lambda: self._udp.recv(2_048))):
            try:
                come()
            except BlockingIOError:
                continue
            found.append(name)
        return found

    def close(self) -> None:
        self._tcp.close()
        self._udp.close()


@contextmanager
def listening() -> Iterator[Listener]:
    """Listens on a port as long as it is needed."""
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()


def lists(port: int) -> dict[str, bytes]:
    """Returns files that are lists of other files and addresses, in formats that the library of films can read."""
    address = f"http://127.0.0.1:{port}/latest/meta-data"
    sdp = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0", f"m=video {port} RTP/AVP 96"]
    mpd = f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet><Representation id="1"><BaseURL>{address}</BaseURL>'
    return {
        "HLS": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}\n#EXTINF:10,\nfile:///etc/passwd\n".encode(),
        "HLS with a key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{address}"\n#EXTINF:10,\n{address}\n'.encode(),
        "concat": f"ffconcat version 1.0\nfile '{address}'\nfile 'file:///etc/passwd'\n".encode(),
        "SDP": "\r\n".join([*sdp, "a=rtpmap:96 H264/90000", ""]).encode(),
        "DASH": f"<?xml version='1.0'?>{mpd}</Representation></AdaptationSet></Period></MPD>".encode(),
        "RTSP": f"RTSPtextrtsp://127.0.0.1:{port}/film".encode(),
        "redirect": f"[Reference]\nRef1={address}\n".encode(),
        "image sequence": b"image-%03d.png",
        "metadata": b";FFMETADATA1\ntitle=x\n",
        "SVG": SVG,
    }


def with_references(film: bytes, port: int) -> dict[str, bytes]:
    """Returns films whose index names other files and addresses for their bytes."""
    kinds = {
        "file": b"file:///etc/passwd\0",
        "address": f"http://127.0.0.1:{port}/x\0".encode(),
        "UDP": f"udp://127.0.0.1:{port}\0".encode(),
    }
    found = {}
    for name, url in kinds.items():
        for kind in ("url ", "alis"):
            reference = patched(0, bytes(7) + b"\1" + box(kind, bytes(4), url))
            found[f"{kind.strip()} to a {name}"] = changed(film, "moov/trak/mdia/minf/dinf/dref", reference)
    movie = box("rmra", box("rmda", box("rdrf", bytes(4), b"url ", len(kinds["address"]).to_bytes(4), kinds["address"])))
    found["reference film"] = box("ftyp", b"qt  ", bytes(4), b"qt  ") + box("moov", movie)
    return found


def ue(number: int) -> str:
    """Returns a number as H.264 writes numbers (9.1), in bits."""
    bits = f"{number + 1:b}"
    return "0" * (len(bits) - 1) + bits


def with_parameter_set_of(film: bytes, side: int) -> bytes:
    """Returns a film whose parameter set states as many pixels on each side."""
    blocks = side // 16 - 1
    bits = ue(0) + ue(0) + ue(0) + ue(0) + ue(1) + "0" + ue(blocks) + ue(blocks) + "1" + "1" + "0" + "0" + "1"
    bits += "0" * (-len(bits) % 8)
    unit = b"\x67\x42\x00\x28" + int(bits, 2).to_bytes(len(bits) // 8)

    def other(avcc: bytes) -> bytes:
        end = 8 + int.from_bytes(avcc[6:8])
        return avcc[:5] + b"\xe1" + len(unit).to_bytes(2) + unit + avcc[end:]

    return changed(film, "moov/trak/mdia/minf/stbl/stsd/avc1/avcC", other)


def with_stated_size(film: bytes, side: int) -> bytes:
    """Returns a film whose boxes state as many pixels on each side."""
    film = changed(film, "moov/trak/tkhd", patched(76, side.to_bytes(2) + b"\0\0" + side.to_bytes(2)))
    return changed(film, "moov/trak/mdia/minf/stbl/stsd/avc1", patched(24, side.to_bytes(2) * 2))


def tracks(count: int) -> bytes:
    """Returns an MP4 of nothing but empty tracks."""
    return box("ftyp", b"isom", bytes(4), b"isom") + box("moov", box("mvhd", bytes(100)), box("trak") * count)


def png(width: int, height: int, rows: bytes = b"", *, colour: int = 0, more: bytes = b"") -> bytes:
    """Returns a PNG of 8 bits. `rows` are compressed already, `more` is chunks before the pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def jpeg_with_looping_exif() -> bytes:
    """Returns a picture whose EXIF has directories that refer to themselves and to each other."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)  # the directory of EXIF is the first directory
    place = struct.pack("<HHII", 0x8825, 4, 1, 8)
    directory = struct.pack("<H", 2) + entry + place + struct.pack("<I", 8)  # and so is the next one
    written = BytesIO()
    Image.new("RGB", (40, 30), "red").save(written, "JPEG", exif=b"Exif\0\0II*\0" + struct.pack("<I", 8) + directory)
    return written.getvalue()


def heic_of_items(count: int) -> bytes:
    """Returns a HEIC that states thousands of items, and each of them as a tile of the first."""
    kinds = [b"grid", *[b"hvc1"] * (count - 2)]
    items = [box("infe", b"\2\0\0\0", nth.to_bytes(2), b"\0\0", kind, b"\0") for nth, kind in enumerate(kinds, 1)]
    places = b"".join(nth.to_bytes(2) + bytes(4) + b"\0\1" + bytes(8) for nth in range(1, count))
    tiles = box("dimg", b"\0\1", (count - 2).to_bytes(2), b"".join(nth.to_bytes(2) for nth in range(2, count)))
    meta = box(
        "meta", bytes(4), box("hdlr", bytes(8), b"pict", bytes(13)), box("pitm", bytes(4), b"\0\1"),
        box("iloc", bytes(4), b"\x44\0", (count - 1).to_bytes(2), places),
        box("iinf", bytes(4), (count - 1).to_bytes(2), *items), box("iref", bytes(4), tiles),
    )  # fmt: skip
    return box("ftyp", b"heic", bytes(4), b"mif1heic") + meta + box("mdat", bytes(64))
