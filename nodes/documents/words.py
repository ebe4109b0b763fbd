"""The words that rules about texts need, from `words.toml`, which has one table per language.

Each pattern is one over all languages, since texts and remarks about them mix languages. Where the
structure of a text decides, no word is asked.
"""

import re
import tomllib
from collections import Counter
from pathlib import Path

BOUNDLESS = frozenset({"zh", "ja"})  # written without spaces: no word boundary can be asked for
FEWEST_HITS, SHARE, MARGIN = 3, 0.06, 1.3  # of common words, for a language to be clear
MOST_LETTERS = 20_000

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_COMMON = {
    language: frozenset(table["common"].split())
    for language, table in _TABLES.items()
    if "common" in table
}
COMMON = frozenset().union(*_COMMON.values())
_TOKEN = re.compile(r"[぀-ヿ㐀-鿿]|[^\W぀-ヿ㐀-鿿]+")
_SCRIPTS = (  # the letters of each, and the share of them that tells it
    ("ja", re.compile("[぀-ヿ]"), 0.1),
    ("zh", re.compile("[㐀-鿿]"), 0.5),
    ("ru", re.compile("[Ѐ-ӿ]"), 0.5),
)


def pattern(kind: str) -> str:
    """A regular expression, to be matched in any case, for a kind of words in all languages."""
    spaced = [table[kind] for name, table in _TABLES.items() if name not in BOUNDLESS]
    bare = [table[kind] for name, table in _TABLES.items() if name in BOUNDLESS]
    return rf"(?:\b(?:{'|'.join(spaced)})\b|{'|'.join(bare)})"


def _words(kind: str) -> re.Pattern[str]:
    return re.compile(pattern(kind), re.IGNORECASE)


LESS, REMOVE, ANOTHER = map(_words, ("less", "remove", "another"))
LANGUAGES, FORMAT = map(_words, ("languages", "format"))
LEFT_OUT, STAYS, NOTHING = map(_words, ("left_out", "stays", "nothing"))
REFUSAL, ABOUT, WORK = map(_words, ("refusal", "about", "work"))
LEAD, OFFER, CHANGES = map(_words, ("lead", "offer", "changes"))
FAULTLESS, STRENGTH = map(_words, ("faultless", "strength"))
ORDER, WRITING = map(_words, ("order", "writing"))


def tokens(text: str) -> list[str]:
    """The words of a text in small letters; where none are spaced, its characters."""
    return _TOKEN.findall(text.lower())


def lines_of(text: str) -> set[str]:
    """The lines of a text that say anything, without the space around them."""
    return {line.strip() for line in text.splitlines()} - {""}


def language(words: list[str]) -> str:
    """The code of the language of a text's words; empty where that is not clear."""
    letters = "".join(words)[:MOST_LETTERS]
    for name, script, share in _SCRIPTS:
        if len(script.findall(letters)) > share * len(letters):
            return name
    count = Counter(words)
    hits = {name: sum(count[word] for word in common) for name, common in _COMMON.items()}
    first, second = sorted(hits, key=lambda name: -hits[name])[:2]
    clear = hits[first] >= max(FEWEST_HITS, SHARE * len(words), MARGIN * hits[second])
    return first if clear else ""
