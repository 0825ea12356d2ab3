"""The picture of the solution inside the page."""

import base64
import struct
import zlib
from pathlib import Path

from ..._run_files import read_file
from ._html import escaped, paragraph

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES, _MOST_PIXELS = 2**25, 2**26


def picture(directory: Path, name: str, meaning: str) -> str:
    """A PNG file of the directory as HTML that needs no file; a sentence where there is none or it is bad."""
    try:
        content = read_file(directory, name, _MOST_BYTES)
        if content is None:
            return paragraph("There is no picture yet: it is drawn when the training is over.")
        width, height = _size(content)
    except ValueError as error:
        return paragraph(f"The picture cannot be shown: {error}")
    data = base64.b64encode(content).decode("ascii")
    image = (
        f'<img width="{width}" height="{height}" alt="{escaped(meaning)}" src="data:image/png;base64,{data}">'
    )
    return f'<figure><div class="scroll picture" tabindex="0">{image}</div></figure>'


def _size(content: bytes) -> tuple[int, int]:
    """Width and height. Raises `ValueError` unless all chunks are there as they were written."""
    kinds, place = [], len(_SIGNATURE)
    while kinds[-1:] != [b"IEND"]:
        head = content[place : place + 8]
        length = int.from_bytes(head[:4], "big")
        kind, body = head[4:], content[place + 8 : place + 8 + length]
        place += length + 12
        kinds.append(kind)
        check = content[place - 4 : place]
        if len(head) < 8 or len(check) < 4 or zlib.crc32(kind + body) != int.from_bytes(check, "big"):
            raise ValueError("the file is cut or damaged.")
    width, height = struct.unpack(">II", content[16:24])
    if not content.startswith(_SIGNATURE + b"\0\0\0\rIHDR") or width * height > _MOST_PIXELS:
        raise ValueError("the file is no PNG picture, or has too many pixels.")
    return width, height
