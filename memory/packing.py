"""A collection of embedded Chroma that is given its texts short and in ASCII.

While embedded Chroma writes, it holds the interpreter, and with it every request: for 17 ms a
megabyte of ASCII, and twenty times as long for a megabyte of anything else, which it also writes
out for a log that nobody keeps. What is packed is packed in the thread that makes the call.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Final

PLAIN: Final = 2_000
"""Characters of a text that is left as it is."""
PACKED: Final = "zlib:"
"""What a packed text begins with, and none of the JSON that is stored."""
QUICKLY: Final = 1


class Packing:
    """`vendor`, with texts packed as they are written, and unpacked as they are read."""

    def __init__(self, vendor: Any) -> None:  # noqa: ANN401
        self._vendor = vendor

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._vendor, name)

    def upsert(self, *, metadatas: list[dict[str, str]], **arguments: object) -> None:
        self._vendor.upsert(metadatas=_each(metadatas, _packed), **arguments)

    def get(self, **arguments: object) -> dict[str, Any]:
        found: dict[str, Any] = self._vendor.get(**arguments)
        return found | {"metadatas": _each(found["metadatas"] or [], unpacked)}


def unpacked(text: str) -> str:
    if not text.startswith(PACKED):
        return text
    return zlib.decompress(b64decode(text[len(PACKED) :])).decode()


def _packed(text: str) -> str:
    if text.isascii() and len(text) <= PLAIN:
        return text
    return PACKED + b64encode(zlib.compress(text.encode(), QUICKLY)).decode()


def _each(metadatas: list[dict[str, str]], change: Callable[[str], str]) -> list[dict[str, str]]:
    return [{key: change(text) for key, text in texts.items()} for texts in metadatas]
