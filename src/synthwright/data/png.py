"""PNG files from arrays, with nothing but the standard library: 8 bits, grey or colour, no interlacing.

Writing needs no image library, so reports and folders do not either, and the bytes do not depend on one.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2}  # grey and RGB (PNG specification, third edition, table 8)


def encode_png(pixels: np.ndarray) -> bytes:
    """The PNG file of one image. pixels: (h, w) or (h, w, c) uint8 with c = 1 or 3."""
    image = pixels[:, :, None] if pixels.ndim == 2 else pixels
    h, w, c = image.shape
    lines = np.zeros((h, 1 + w * c), dtype=np.uint8)  # each line begins with its filter: 0, none
    lines[:, 1:] = image.reshape(h, w * c)
    header = struct.pack(">IIBBBBB", w, h, 8, _COLOUR_TYPE[c], 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)), _chunk(b"IEND", b""))
    return _SIGNATURE + b"".join(parts)


def data_uri(pixels: np.ndarray) -> str:
    """The image as an address that holds its PNG file."""
    return "data:image/png;base64," + base64.b64encode(encode_png(pixels)).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def contact_sheet(pixels: np.ndarray, columns: int, *, gap: int = 1, ground: int = 128) -> np.ndarray:
    """Images side by side on a ground: (H, W, c) uint8. pixels: (n, h, w, c); the last line may have free places."""
    n, h, w, c = pixels.shape
    columns = max(1, min(columns, n))
    lines = -(-n // columns)
    sheet = np.full((lines * (h + gap) - gap, columns * (w + gap) - gap, c), ground, dtype=np.uint8)
    for i, image in enumerate(pixels):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return sheet
