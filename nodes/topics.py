"""What a preference is about, decided by words and not by a model.

Two preferences contradict each other when they are about the same topic and say different things;
being similar is not enough ("use emojis" and "no emojis" are similar, "short answers" and "short
titles" do not contradict). A topic is a pair: the attribute of an answer it speaks of, and the
part of the answer it speaks of it for.
"""

import re
from dataclasses import dataclass

CATEGORIES = ("style", "format", "tone", "language", "content", "domain", "other")
# Of these there can be only one value at a time, whatever words describe it.
SINGLE_VALUED = frozenset({"language", "tone"})

_LANGUAGES = (
    "arabic|bengali|bulgarian|catalan|chinese|croatian|czech|danish|dutch|english|estonian|"
    "finnish|french|german|greek|hebrew|hindi|hungarian|icelandic|indonesian|irish|italian|"
    "japanese|korean|latin|latvian|lithuanian|malay|mandarin|norwegian|persian|polish|"
    "portuguese|romanian|russian|serbian|slovak|slovenian|spanish|swahili|swedish|tamil|thai|"
    "turkish|ukrainian|urdu|vietnamese|welsh"
)
_ATTRIBUTES = {
    "language": rf"{_LANGUAGES}|languages?",
    "programming language": r"python|javascript|typescript|java|rust|golang|ruby|kotlin|swift|"
    r"haskell|scala|php|c\+\+|c#",
    "length": r"short|shorter|brief|briefly|concise|concisely|terse|long|longer|lengthy|detailed|"
    r"detail|in depth|thorough|exhaustive|words?|sentences?|paragraphs?|verbose|length",
    "emoji": r"emojis?|emoticons?|smileys?",
    "units": r"metric|imperial|celsius|fahrenheit|kilomet(?:er|re)s?|miles|kilograms?|pounds",
    "layout": r"bullets?|bullet points?|lists?|tables?|numbered|headings?|prose|markdown|"
    r"plain text|json|yaml|html|latex",
    "tone": r"formal|formally|informal|casual|friendly|polite|professional|humou?r|humorous|funny|"
    r"jokes?|serious|playful|sarcastic|warm|tone",
    "level": r"beginner|expert|advanced|simple terms|simple words|layman|technical|child|"
    r"five years old|eli5|jargon",
    "name": r"call me|my name|address me",
    "examples": r"examples?",
    "citations": r"sources?|citations?|cite|references?|links?",
    "spelling": r"british|american|oxford",
    "dates": r"date format|iso 8601|dd/mm|mm/dd",
}
_SCOPES = {
    "code": r"code|comments?|functions?|variables?|scripts?|programs?",
    "mail": r"e-?mails?|letters?|messages?",
    "titles": r"titles?|headlines?|subjects?",
    "summaries": r"summar(?:y|ies)",
    "stories": r"stor(?:y|ies)|poems?|fiction",
    "mathematics": r"maths?|equations?|formulas?|proofs?|calculations?",
}
_CATEGORY_OF = {
    "language": "language",
    "length": "style",
    "tone": "tone",
    "layout": "format",
    "emoji": "style",
    "spelling": "style",
    "dates": "format",
}
# "Remove the emojis" is a preference; "remove that preference" asks to forget one. The words of
# other languages are those of their plainest way to say so.
_REMEMBERED = r"preferences?|rules?|instructions?|notes?|memor(?:y|ies)|entr(?:y|ies)|playbook"
_FORGET = re.compile(
    r"(?<!don't )(?<!not )(?<!never )\bforget\b"
    r"|\b(?:don't|do not|stop|no need to) remember(?:ing)?\b"
    rf"|\b(?:remove|delete|erase|drop|discard)\b.{{0,40}}\b(?:{_REMEMBERED}|what i (?:said|told))\b"
    r"|\b(?:oublie[rz]?|vergiss|vergessen sie|olvid[ae]|dimentica|esque[cç]a|забудь)\b|忘れて|忘记",
    re.IGNORECASE,
)
_FORGET_ALL = re.compile(
    r"(?<!don't )(?<!not )(?<!never )\b(?:forget|remove|delete|erase|clear)\s+"
    rf"(?:everything|all(?:\s+of)?(?:\s+(?:my|the|your|these|those))?\s+(?:{_REMEMBERED}))"
    r"(?:\s+(?:that\s+)?(?:you\s+(?:know|remember|have|learned|learnt)|i\s+(?:said|told you)))?"
    r"(?:\s+(?:about|of|on)\s+me)?\s*(?:[.!,;]|please|now|$)",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(?:no|not|never|without|avoid|don't|doesn't|stop|less|fewer)\b", re.I)
_STOPWORDS = frozenset(
    re.findall(
        r"\w+",
        """a an and any answer answers are as at be because but by can could do for from give have
        i if in is it its just like me my of on only or please prefer preference prefers reply
        replies respond response responses should so that the their them then they this to us use
        user user's using want wants we when will with would write you your always all""",
    )
)
_WORD = re.compile(r"[\w+#/']+")


@dataclass(frozen=True, slots=True)
class Topic:
    """What a preference speaks of, and for which part of the answers (empty: for all)."""

    attribute: str
    scope: str


def topic_of(content: str, category: str = "") -> Topic | None:
    """The topic of a preference; `None` where no rule knows it.

    The words decide; where none is known, a category that has only one value at a time does.
    """
    attribute = _first(_ATTRIBUTES, content)
    if not attribute and category in SINGLE_VALUED:
        attribute = category
    return Topic(attribute, _first(_SCOPES, content)) if attribute else None


def category_of(content: str, proposed: str = "other") -> str:
    """One of `CATEGORIES`: what the words say, else what was proposed."""
    attribute = _first(_ATTRIBUTES, content)
    known = _CATEGORY_OF.get(attribute)
    return known or (proposed if proposed in CATEGORIES else "other")


def essence(content: str) -> frozenset[str]:
    """The words that carry the meaning, with negation; two contents with one essence say the same.

    Order, filler words and plural endings do not count.
    """
    words = {_stem(word) for word in _WORD.findall(content.lower())} - _STOPWORDS
    negated = {"not"} if _NEGATION.search(content) else set()
    return frozenset((words - {"no", "not", "never", "avoid"}) | negated)


def languages(text: str) -> frozenset[str]:
    """The languages a text names."""
    return frozenset(re.findall(rf"\b(?:{_LANGUAGES})\b", text.lower()))


def asks_to_forget(text: str) -> bool:
    """Whether the words ask for something remembered to be dropped."""
    return _FORGET.search(text) is not None


def asks_to_forget_all(text: str) -> bool:
    """Whether the words ask for everything remembered to be dropped."""
    return _FORGET_ALL.search(text) is not None


def _first(table: dict[str, str], content: str) -> str:
    lowered = content.lower()
    for name, words in table.items():
        if re.search(rf"(?<![\w+#])(?:{words})(?![\w+#])", lowered):
            return name
    return ""


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004
