"""Files that a program has written, found and read as they are or packed."""

from __future__ import annotations

import bz2
import lzma
import zlib
from functools import partial
from pathlib import Path
from typing import Any

# ending -> what unpacks it
PACKED: dict[str, Any] = {
    ".gz": partial(zlib.decompressobj, wbits=31),
    ".bz2": bz2.BZ2Decompressor,
    ".xz": lzma.LZMADecompressor,
}


def find(folder: Path, name: str) -> Path | None:
    """`name`, plain or packed, in `folder`, if it is there and not empty."""
    for path in (folder / f"{name}{ending}" for ending in ("", *PACKED)):
        if path.is_file() and path.stat().st_size > 0:
            return path
    return None


def read_text(path: Path) -> str:
    """Text of a file, packed or not; of a packed one cut short, what can be unpacked."""
    return (
        path.read_text(errors="replace")
        if path.suffix not in PACKED
        else read_bytes(path).decode(errors="replace")
    )


def read_bytes(path: Path) -> bytes:
    """As `read_text`, of the bytes themselves."""
    if path.suffix not in PACKED:
        return path.read_bytes()
    # not gzip.open and its like, which throw away what they have when a file ends early
    data, pieces = path.read_bytes(), []
    while data:
        unpacker = PACKED[path.suffix]()
        try:
            pieces.append(unpacker.decompress(data))
        except (zlib.error, OSError, lzma.LZMAError):
            break  # the whole frames in what came out are still good
        data = unpacker.unused_data
    return b"".join(pieces)
