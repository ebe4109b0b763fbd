"""What a preference is about, decided by words and not by a model.

Two preferences contradict each other when they are about the same topic and say different things;
being similar is not enough ("use emojis" and "no emojis" are similar, "short answers" and "short
titles" do not contradict). Where the rules are not sure, both are kept.
"""

import re
from dataclasses import dataclass

from nodes.preferences.stance import clauses
from nodes.preferences.wording import meaning


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w+#])(?:{words})(?![\w+#])")


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
# Of these one excludes another, unless one of them is refused: whoever wants English answers may
# well say never to use French. What stands in one row means the same here.
_VALUES = {
    "language": _LANGUAGES.split("|"),
    "programming language": _ATTRIBUTES["programming language"].split("|"),
    "length": [
        r"short|shorter|brief|briefly|concise|concisely|terse|succinct|one-liners?",
        r"long|longer|lengthy|detailed|in detail|details|in depth|thorough|exhaustive|verbose",
    ],
    "units": [
        r"metric|celsius|kilomet(?:er|re)s?|kilograms?",
        r"imperial|fahrenheit|miles|pounds",
    ],
    "markup": _ATTRIBUTES["markup"].split("|"),
    "formality": [
        r"formal|formally|professional",
        r"informal|informally|casual|casually|colloquial",
    ],
    "humour": [r"humou?r|humorous|funny|jokes?|playful|sarcastic", r"serious"],
    "level": [
        r"beginner|simple terms|simple words|simple language|plain language|layman|layman's terms"
        r"|to a child|five years old|eli5",
        r"expert|advanced|technical|jargon",
    ],
    "spelling": [r"british", r"american", r"canadian", r"australian"],
    "dates": [r"iso 8601", r"dd/mm", r"mm/dd"],
    "lists": [r"bullets?|bullet points?|bulleted", r"numbered", r"prose|in paragraphs"],
    "citations": [r"sources?|citations?|cite|references?", r"links?"],
    "stories": [r"stor(?:y|ies)", r"poems?", r"fiction"],
    "mathematics": [r"equations?|formulas?", r"proofs?", r"calculations?"],
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
_VALUE_PATTERNS = {name: [_pattern(row) for row in rows] for name, rows in _VALUES.items()}
_PART_PATTERNS = {name: _pattern(words) for name, words in _PARTS.items()}


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


def compatible(new: str, old: str) -> bool:
    """Whether both can be wanted at once although they are about the same topic.

    So it is where one of them only refuses another value than the other one names.
    """
    topic, other = topic_of(new), topic_of(old)
    if topic is None or other is None:
        return False
    shared = (topic.attributes & other.attributes) - {"presence"} or topic.parts & other.parts
    return bool(shared) and all(_compatible_values(name, new, old) for name in shared)


def category_of(content: str, proposed: str = "other") -> str:
    """One of `CATEGORIES`: what the words say, else what was proposed."""
    topic = topic_of(content)
    spoken_of = topic.attributes | topic.parts if topic else ()
    known = next((category for name, category in _CATEGORY_OF.items() if name in spoken_of), None)
    return known or (proposed if proposed in CATEGORIES else "other")


def languages(text: str) -> frozenset[str]:
    """The languages a text names."""
    return frozenset(re.findall(rf"\b(?:{_LANGUAGES})\b", text.lower()))


def _matching(patterns: dict[str, re.Pattern[str]], lowered: str) -> frozenset[str]:
    return frozenset(name for name, pattern in patterns.items() if pattern.search(lowered))


def _compatible_values(name: str, new: str, old: str) -> bool:
    wanted, refused = _values(name, new)
    wanted_before, refused_before = _values(name, old)
    if not (wanted or refused) or not (wanted_before or refused_before):
        return False
    if (wanted and wanted_before) or wanted & refused_before or refused & wanted_before:
        return False
    return bool(wanted or wanted_before) or not refused_before <= refused


def _values(name: str, content: str) -> tuple[frozenset[str], frozenset[str]]:
    """The values a preference wants of an attribute or a part, and those it refuses."""
    wanted: set[str] = set()
    refused: set[str] = set()
    for clause in clauses(content):
        named = _named(name, " ".join(content[clause.start : clause.end].lower().split()))
        if clause.refuses is not True:
            wanted |= named
        if clause.refuses is not False:
            refused |= named
    return frozenset(wanted), frozenset(refused)


def _named(name: str, lowered: str) -> frozenset[str]:
    if name == "name":
        return meaning(lowered) - {"call", "address", "name"}
    rows = _VALUE_PATTERNS.get(name, ())
    return frozenset(row.pattern for row in rows if row.search(lowered))


def _rest(lowered: str) -> frozenset[str]:
    for pattern in (*_ATTRIBUTE_PATTERNS.values(), *_PART_PATTERNS.values()):
        lowered = pattern.sub(" ", lowered)
    left = meaning(lowered) - languages(lowered)
    return frozenset(word for word in left if not word.isdigit())
