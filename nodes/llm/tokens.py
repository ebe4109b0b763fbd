"""How many tokens a text has, and what of it fits a number of them.

The vocabulary is Llama 2's, which comes in the wordllama wheel. The larger vocabularies of newer
models need fewer tokens for the same text, so its counts err on the safe side.
"""

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Literal

import wordllama
from tokenizers import Encoding, Tokenizer

VOCABULARY = Path(wordllama.__file__).parent / "tokenizers" / "l2_supercat_tokenizer_config.json"
PIECE = 2_000
"""Characters tokenized at a time: linear cost, which a long text in one piece does not have."""
ESTIMATED_ABOVE = 200_000
SAMPLES = 32


class TokenCounter:
    """Counts and cuts. Safe to share between threads.

    Building one reads a file for about 50 ms: on an event loop, `await asyncio.to_thread(
    TokenCounter)`. A count takes about 1 ms for 10,000 characters.
    """

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(VOCABULARY))

    def count(self, text: str) -> int:
        """Tokens of `text`; beyond 200,000 characters estimated from samples and its bytes."""
        if len(text) <= ESTIMATED_ABOVE:
            return sum(len(encoding) for encoding in self._encodings(list(_pieces(text))))
        stride = len(text) // SAMPLES
        samples = [text[at : at + PIECE] for at in range(0, stride * SAMPLES, stride)]
        density = max(
            len(encoding) / _size(sample)
            for sample, encoding in zip(samples, self._encodings(samples), strict=True)
        )
        return ceil(density * _size(text))

    def cut(self, text: str, max_tokens: int, *, keep: Literal["start", "end"] = "start") -> str:
        """The longest found beginning (or end) of `text` with `count` at most `max_tokens`."""
        if max_tokens <= 0:
            return ""
        kept = self._head(text, max_tokens) if keep == "start" else self._tail(text, max_tokens)
        while (excess := self.count(kept) - max_tokens) > 0:
            kept = kept[:-excess] if keep == "start" else kept[excess:]
        return kept

    def _head(self, text: str, room: int) -> str:
        for start in range(0, len(text), PIECE):
            encoding = self._encode(text[start : start + PIECE])
            if len(encoding) > room:
                return text[: start + encoding.offsets[room][0]]
            room -= len(encoding)
        return text

    def _tail(self, text: str, room: int) -> str:
        for end in range(len(text), 0, -PIECE):
            start = max(0, end - PIECE)
            encoding = self._encode(text[start:end])
            if len(encoding) > room:
                return text[start + encoding.offsets[len(encoding) - room - 1][1] :]
            room -= len(encoding)
        return text

    def _encode(self, piece: str) -> Encoding:
        return self._tokenizer.encode(_valid(piece), add_special_tokens=False)

    def _encodings(self, pieces: list[str]) -> list[Encoding]:
        valid = [_valid(piece) for piece in pieces]
        return self._tokenizer.encode_batch_fast(valid, add_special_tokens=False)


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))


def _valid(text: str) -> str:
    """The same text with half surrogate pairs, which models do send, as question marks."""
    return text.encode(errors="replace").decode()
