"""Images, sound and documents inside values: told by type, size and a keyed digest, never by their content.

They arrive as bytes, as base64 text and as data URLs (`data:image/png;base64,…`), alone or inside a longer text
such as a request that was already turned into JSON. All that is looked at is the head; the digest of what is
large covers its two ends and its length, so that the cost is bounded while equal data stays comparable, in
whichever of the three forms it comes.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from flightlog.core.capture import Walk

SHORTEST: Final = 40
"""Characters of a text below which nothing is looked for."""

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\x00", "audio/ogg"),
    (b"fLaC\x00", "audio/flac"),
)
"""How files begin, and what they are."""
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_BASE64_HEADS: Final = (
    "iVBORw0KGgo",
    "/9j/",
    "R0lGODdh",
    "R0lGODlh",
    "JVBERi0",
    "SUQz",
    "UklGR",
    "T2dnUwA",
    "ZkxhQw",
)
"""How the same files begin in base64."""

MARK: Final = ";base64,"
"""What is in every data URL of base64."""
_LONGEST_HEAD: Final = 200
"""Characters of a data URL before its data."""
_ENDS: Final = "\"'`()<>[]{}\\ \n\t,;"
"""Characters that may follow a data URL in a text, and never stand in base64."""
_HEAD: Final = 48 * 1024
"""Bytes in which the size of an image is looked for."""
_WHOLE: Final = 256 * 1024
_END: Final = 96 * 1024
"""Bytes of each end that are digested where the whole is longer than `_WHOLE`; divisible by 3."""


def kind_of(head: bytes) -> str:
    """The media type of data that begins like this; empty where it is none that we know."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] == b"M4A" else "video/mp4"
    return "audio/mpeg" if _is_mpeg_frame(head) else ""


def _is_mpeg_frame(head: bytes) -> bool:
    """Whether this is the header of an MPEG layer III frame, none of whose fields is reserved."""
    return (
        len(head) > 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[2] >> 4 not in {0, 15}
        and head[2] & 0x0C != 0x0C
    )


def of_bytes(data: bytes | bytearray | memoryview) -> dict[str, Any] | None:
    """What to say of bytes that are an image, sound or document; None for any others."""
    kind = kind_of(bytes(data[:16]))
    if not kind:
        return None
    ends = bytes(data) if len(data) <= _WHOLE else bytes(data[:_END]) + bytes(data[-_END:])
    return _summary(kind, len(data), ends)


def of_text(text: str) -> dict[str, Any] | None:
    """The same for a text that is a data URL or base64 from end to end."""
    if text.startswith("data:"):
        mark = text.find(MARK, 0, _LONGEST_HEAD)
        if mark > 0:
            return _of_base64(text, mark + len(MARK), text[5:mark].partition(";")[0])
    elif text.startswith(_BASE64_HEADS) and text.isascii():
        return _of_base64(text, 0, "")
    return None


def without_embedded(text: str, room: int, walk: Walk) -> str:
    """The text with short notes in the place of the data URLs that begin within its first `room` characters."""
    parts = []
    done = 0
    mark = text.find(MARK, 0, room)
    while mark >= 0:
        begin = text.rfind("data:", max(done, mark - _LONGEST_HEAD), mark)
        end = min((at for at in (text.find(sign, mark + 8) for sign in _ENDS) if at >= 0), default=len(text))
        if begin >= 0:
            told = _of_base64(text[begin:end], mark + 8 - begin, text[begin + 5 : mark])
            if told is not None:
                digest = walk.gate.digest(told["digest"])
                parts += [text[done:begin], f"[{told['type']}, {told['bytes']} bytes, {digest}]"]
                done = end
        mark = text.find(MARK, end, room)
    return "".join([*parts, text[done:]]) if parts else text


def write(walk: Walk, told: dict[str, Any], path: str, depth: int) -> str:
    """Write what `of_bytes` or `of_text` said."""
    digest = walk.gate.digest(told["digest"])
    return walk.mapping([*{**told, "digest": digest}.items()], len(told), path, depth)


def _of_base64(text: str, begin: int, said: str) -> dict[str, Any] | None:
    """Read both ends of base64 that begins there; None where it is no base64, or nobody says what it is."""
    characters = len(text) - begin
    padding = text.count("=", max(begin, len(text) - 2))
    length = characters * 3 // 4 - padding if characters % 4 == 0 else characters * 3 // 4
    try:
        if length <= _WHOLE:
            ends = head = _decoded(text[begin:])
        else:
            head = _decoded(text[begin : begin + _END // 3 * 4])
            skipped = (length - _END) // 3
            tail = _decoded(text[begin + skipped * 4 :])
            ends = head + tail[-_END:]
    except (NotBase64, ValueError):
        ends = text[-_END:].encode(errors="replace")
        return {"type": said, "bytes": length, "digest": ends} if said else None
    kind = kind_of(head[:16]) or said
    return _summary(kind, len(head) if length <= _WHOLE else length, ends) if kind else None


def _decoded(text: str) -> bytes:
    """Decode standard or URL-safe base64, with or without padding."""
    if "-" in text or "_" in text:
        text = text.replace("-", "+").replace("_", "/")
    return a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)


def _summary(kind: str, length: int, ends: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"type": kind, "bytes": length}
    size = _size(kind, ends[:_HEAD])
    if size is not None:
        told["width"], told["height"] = size
    told["digest"] = ends if length <= _WHOLE else ends + length.to_bytes(8, "big")
    return told


def _size(kind: str, head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, where the head says them."""
    if kind == "image/png" and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if kind == "image/gif" and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if kind == "image/jpeg":
        return _jpeg_size(head)
    return _webp_size(head) if kind == "image/webp" and len(head) >= 30 else None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    """Go from segment to segment up to the one that begins the frame (SOF, ITU T.81 B.2.2)."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        at += 2 + max(2, int.from_bytes(head[at + 2 : at + 4], "big"))
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """Read the first chunk, which is one of three kinds (RFC 9649)."""
    form = head[12:16]
    if form == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if form == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
        return width & 0x3FFF, height & 0x3FFF
    return None
