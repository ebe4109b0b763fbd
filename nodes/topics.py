"""What a preference is about, decided by words and not by a model.

Two preferences contradict each other when they are about the same topic and say different things;
being similar is not enough ("use emojis" and "no emojis" are similar, "short answers" and "short
titles" do not contradict). Where the rules are not sure, both are kept.
"""

import re
from dataclasses import dataclass


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w+#])(?:{words})(?![\w+#])")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CATEGORIES = ("style", "format", "tone", "language", "content", "domain", "other")

_LANGUAGES = (
    "arabic|bengali|bulgarian|catalan|chinese|croatian|czech|danish|dutch|english|estonian|"
    "finnish|french|german|greek|hebrew|hindi|hungarian|icelandic|indonesian|irish|italian|"
    "japanese|korean|latin|latvian|lithuanian|malay|mandarin|norwegian|persian|polish|"
    "portuguese|romanian|russian|serbian|slovak|slovenian|spanish|swahili|swedish|tamil|thai|"
    "turkish|ukrainian|urdu|vietnamese|welsh"
)
# The names of languages are also those of peoples and of their food: "answer in Italian" is about
# the language of the answers, "I love Italian food" is not.
_BEFORE_LANGUAGE = (
    r"in|into|to|use|using|speak|speaking|write|writing|prefer|want|only|always|never|of|or|and|"
    r"not|no|language(?:\s+is|:)?"
)
_AFTER_LANGUAGE = (
    r"and|or|but|not|only|please|with|when|if|from|instead|now|always|language|answers?|reply|"
    r"replies|responses?|text|too|unless|for|as|except|while|rather|than|at|by|every|on|output"
)
_OTHER_LANGUAGE = r"(?:same|my|native|own|local|mother|user's|original)\s+language|mother\s+tongue"
_SPOKEN = (
    rf"(?:^|(?<![\w])(?:{_BEFORE_LANGUAGE})\s+(?:\w+\s+)??)(?:{_LANGUAGES})"
    rf"(?=\s*(?:$|[^\w\s]|(?:{_AFTER_LANGUAGE})\b))|{_OTHER_LANGUAGE}"
)
_COUNT = r"\d+|one|two|three|four|five|ten|few|fewer|many|single|most|more"
_ATTRIBUTES = {
    "language": _SPOKEN,
    "programming language": r"python|javascript|typescript|java|rust|golang|ruby|kotlin|swift|"
    r"haskell|scala|php|c\+\+|c#",
    "length": r"short|shorter|brief|briefly|concise|concisely|terse|succinct|(?<!as )long(?! as)|"
    r"(?<!no )(?<!any )longer|lengthy|detailed|in detail|details|in depth|thorough|exhaustive|"
    rf"verbose|length|(?:{_COUNT})\s+(?:words?|sentences?|paragraphs?|lines?)|one-liners?",
    "emoji": r"emojis?|emoticons?|smileys?",
    "units": r"metric|imperial|celsius|fahrenheit|kilomet(?:er|re)s?|miles|kilograms?|pounds",
    "markup": r"markdown|plain text|html|latex|json|yaml",
    "formality": r"formal|formally|informal|informally|casual|casually|professional|colloquial",
    "humour": r"humou?r|humorous|funny|jokes?|playful|sarcastic|serious",
    "level": r"beginner|expert|advanced|simple terms|simple words|simple language|plain language|"
    r"layman|layman's terms|technical|to a child|five years old|eli5|jargon",
    "name": r"call me|my name|address me",
    "spelling": r"spellings?",
    "dates": r"date format|iso 8601|dd/mm|mm/dd",
}
# What a preference speaks of if not of the whole answer; alone, whether there shall be any.
_PARTS = {
    "lists": r"bullets?|bullet points?|bulleted|lists?|numbered|prose|in paragraphs",
    "tables": r"tables?",
    "headings": r"headings?|headers?",
    "examples": r"examples?",
    "citations": r"sources?|citations?|cite|references?|links?",
    "comments": r"comments?",
    "identifiers": r"(?:function|variable|class)\s+names?",
    "code": r"code|functions?|variables?|scripts?|programs?|programming",
    "mail": r"e-?mails?|letters?",
    "titles": r"titles?|headlines?|subjects?|subject lines?",
    "summaries": r"summar(?:y|ies)",
    "stories": r"stor(?:y|ies)|poems?|fiction",
    "mathematics": r"maths?|mathematics|equations?|formulas?|proofs?|calculations?",
}
_CATEGORY_OF = {
    "language": "language",
    "length": "style",
    "emoji": "style",
    "spelling": "style",
    "formality": "tone",
    "humour": "tone",
    "markup": "format",
    "dates": "format",
    "lists": "format",
    "tables": "format",
    "headings": "format",
}
_ATTRIBUTE_PATTERNS = {name: _pattern(words) for name, words in _ATTRIBUTES.items()}
_PART_PATTERNS = {name: _pattern(words) for name, words in _PARTS.items()}
_NEGATION = re.compile(r"\b(?:no|not|never|without|avoid|don't|doesn't|stop|less|fewer)\b", re.I)
_CONDITION = re.compile(r"\b(?:when|whenever|if|while|unless|except|for|about)\b", re.I)

_FILLERS = _words(
    """a an and any answer answers are as at be because but by can could do for from give have
    i if in is it its just like me my of on only or please prefer preference prefers reply
    replies respond response responses should so that the their them then they this to us use
    user user's using want wants we when will with would write you your always all"""
)
_NEGATIVES = frozenset({"no", "not", "never", "avoid"})
# Words that change nothing about what a preference is about.
_NEUTRAL = _FILLERS | _words(
    """about again ahead am another anymore anything best better beyond change clear conversation
    depth don't doesn't each entire ever every everything explain explanation fewer forget forward
    fully future good great here however i'd i'll i'm include instead keep language less let
    longer make many max maximum memory message minimum more most much must mode need needed no not
    note now once one onward output over people point possible provide put question quite rather
    really remember remembered remove delete rule same say said sentence show speak speaking
    start still stop style system talk tell text than there thing tone told too unit up
    us add never very want was way were what whatever which whole without word written
    writing avoid answering replying responding responded answered two three four five six seven
    eight nine ten least fit format i've instruction entry version understand
    even kind bit little term out off being get got also brazilian european mexican swiss austrian
    canadian british american simplified traditional"""
)
_WORD = re.compile(r"[\w+#/']+")


@dataclass(frozen=True, slots=True)
class Topic:
    """What a preference is about.

    The attributes of an answer it speaks of, the parts of the answer it speaks of them for (none:
    the whole), and the other words that narrow it down.
    """

    attributes: frozenset[str]
    parts: frozenset[str]
    rest: frozenset[str]

    def same_thing(self, other: "Topic") -> bool:
        """Whether both speak of the same of an answer, be it in other circumstances."""
        return self.attributes == other.attributes and self.parts == other.parts

    def covers(self, other: "Topic") -> bool:
        """Whether a preference on this topic leaves nothing of one on the other."""
        alike = self.parts == other.parts and self.rest == other.rest
        return alike and other.attributes <= self.attributes


def topic_of(content: str) -> Topic | None:
    """The topic of a preference; `None` where no rule knows it."""
    lowered = " ".join(content.lower().split())
    attributes = _matching(_ATTRIBUTE_PATTERNS, lowered)
    parts = _matching(_PART_PATTERNS, lowered)
    if "programming language" in attributes:
        parts -= {"code"}
    if not attributes and not parts:
        return None
    rest = frozenset() if "name" in attributes else _rest(lowered)
    return Topic(attributes or frozenset({"presence"}), parts, rest)


def category_of(content: str, proposed: str = "other") -> str:
    """One of `CATEGORIES`: what the words say, else what was proposed."""
    topic = topic_of(content)
    spoken_of = topic.attributes | topic.parts if topic else ()
    known = next((category for name, category in _CATEGORY_OF.items() if name in spoken_of), None)
    return known or (proposed if proposed in CATEGORIES else "other")


def essence(content: str) -> tuple[str, ...]:
    """The words that carry the meaning, in their order, with negation last.

    Two contents with one essence say the same: filler words and plural endings do not count.
    """
    kept = _kept(content, _FILLERS | _NEGATIVES)
    return (*kept, "not") if is_negated(content) else tuple(kept)


def meaning(text: str) -> frozenset[str]:
    """The words that tell what a text is about, for seeing whether two speak of one thing."""
    return frozenset(_kept(text, _NEUTRAL))


def is_negated(text: str) -> bool:
    """Whether there is a negation in the words."""
    return _NEGATION.search(text) is not None


def is_conditional(content: str) -> bool:
    """Whether a preference holds only in some circumstances."""
    return _CONDITION.search(content) is not None


def languages(text: str) -> frozenset[str]:
    """The languages a text names."""
    return frozenset(re.findall(rf"\b(?:{_LANGUAGES})\b", text.lower()))


def _matching(patterns: dict[str, re.Pattern[str]], lowered: str) -> frozenset[str]:
    return frozenset(name for name, pattern in patterns.items() if pattern.search(lowered))


def _rest(lowered: str) -> frozenset[str]:
    for pattern in (*_ATTRIBUTE_PATTERNS.values(), *_PART_PATTERNS.values()):
        lowered = pattern.sub(" ", lowered)
    left = meaning(lowered) - languages(lowered)
    return frozenset(word for word in left if not word.isdigit())


def _kept(text: str, dropped: frozenset[str]) -> list[str]:
    words = (word for word in _WORD.findall(text.lower()) if word not in dropped)
    return [stem for word in words if (stem := _stem(word)) not in dropped]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004
