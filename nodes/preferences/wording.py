"""The words of a preference: which of them carry its meaning, and whether any of them denies."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Of the words that deny, these say plainly "not".
_PLAINLY_NOT = re.compile(
    r"\b(?:(?<!\bwhy )(?:no|not)(?!\s+(?:more|less|longer|fewer|later)\s+than\b"
    r"|\s+(?:only|just|matter|problem|worries|doubt)\b)"
    r"|never|neither|nor|none|nothing(?!\s+but\b)|without|cannot|avoid(?:s|ing)?|stop(?:ping)?"
    r"|\w{1,10}n't|(?:do|does|did|is|are|ca|wo|should|would|could|must)nt)(?!\w)",
    re.IGNORECASE,
)
_DENIES_TOO = (
    r"quit|refrain|hates?|hated|dislikes?|disliked|skip|omit|exclude|bann?(?:ed)?|drop|remove|delete"
    r"|enough|too\s+(?:many|much)|less(?!\s+than\b)|fewer(?!\s+than\b)|get\s+rid|leave\s+out"
    r"|(?<!you )(?<!always )(?<!keep )forget(?!\s+to\b)"
)
_DENIES_ABROAD = (
    r"pas|jamais|sans(?![\s-]serif)|aucune?s?|ni|kein(?:e[nmrs]?)?|nicht|nie|niemals|ohne|weder"
    r"|sin|nunca|jamás|ning[uú]n[oa]?|tampoco|non|senza|mai|nessun[oa]?|não|nao|sem|nem|geen"
    r"|niet|nooit|zonder|не|без|никогда|нет|ни|bez|żadnych|inte|aldrig|utan|ikke|aldri"
)
_UNSPACED_DENIAL = r"不|别|別|勿|没有|沒有|ない|ません|なし|やめ|마세요|말고|않|없이|말아"
NEGATION = re.compile(
    rf"{_PLAINLY_NOT.pattern}|\b(?:{_DENIES_TOO}|{_DENIES_ABROAD})(?!\w)|{_UNSPACED_DENIAL}",
    re.IGNORECASE,
)
# "Don't forget the units" asks for the units.
_ASKING_AFTER_ALL = re.compile(
    r"\b(?:do\s+not|don't|dont|never|not)\s+(?:to\s+)?(?:forget|hesitate|be\s+(?:afraid|shy))\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:when|whenever|if|while|unless|except|for|about)\b", re.I)

_FILLERS = _words(
    """a an and any answer answers are as at be because but by can could do ever for from give have
    i if in is it its just like me my of on only or please prefer preference prefers reply
    replies respond response responses should so that the their them then they this to us use
    user user's using want wants we when will with would write you your always all"""
)
# Words that change nothing about what a preference is about.
_NEUTRAL = _FILLERS | _words(
    """about again ahead am another anymore anything best better beyond change clear conversation
    depth each entire every everything explain explanation fewer forget forward
    fully future good great here however i'd i'll i'm include instead keep language less let
    longer make many max maximum memory message minimum more most much must mode need needed
    note now once one onward output over people point possible provide put question quite rather
    really remember remembered remove delete rule same say said sentence show speak speaking
    start still stop style system talk tell text than there thing tone told too unit up
    add very was way were what whatever which whole word written
    writing answering replying responding responded answered two three four five six seven
    eight nine ten least fit format i've instruction entry version understand
    even kind bit little term out off being get got also brazilian european mexican swiss austrian
    canadian british american simplified traditional let's thank thanks actually first
    ok okay hey hi hello yes well oh sorry"""
)
_WORD = re.compile(r"[\w+#/']+")
_STRAIGHT = str.maketrans("‘’“”–—", "''\"\"--")


def straight(text: str) -> str:
    """The text with plain quotation marks and dashes; every character keeps its place."""
    return text.translate(_STRAIGHT)


def essence(content: str) -> tuple[str, ...]:
    """The words that carry the meaning, in their order, every plain negation a "not".

    Two contents with one essence say the same: filler words and plural endings do not count.
    """
    lowered = _PLAINLY_NOT.sub(" not ", straight(content).lower())
    kept: list[str] = []
    for word in _kept(lowered, _FILLERS - _directions(lowered)):
        if word != "not" or kept[-1:] != ["not"]:
            kept.append(word)
    return tuple(kept)


def meaning(text: str) -> frozenset[str]:
    """The words that tell what a text is about, for seeing whether two speak of one thing."""
    lowered = _PLAINLY_NOT.sub(" ", straight(text).lower())
    return frozenset(_kept(lowered, _NEUTRAL))


def is_negated(text: str) -> bool:
    """Whether there is a negation in the words."""
    return bool(denials(text))


def denials(text: str) -> list[tuple[int, int]]:
    """Where in a text its words deny something."""
    plain = straight(text)
    asking = [match.span() for match in _ASKING_AFTER_ALL.finditer(plain)]
    found = (match.span() for match in NEGATION.finditer(plain))
    return [(start, end) for start, end in found if not any(a <= start < b for a, b in asking)]


def is_conditional(content: str) -> bool:
    """Whether a preference holds only in some circumstances."""
    return _CONDITION.search(content) is not None


def _directions(lowered: str) -> frozenset[str]:
    """From one thing to another is not from the other to the one."""
    pair = frozenset({"from", "to"})
    rest = lowered.replace("from now on", " ").replace("to me", " ")
    return pair if pair <= set(_WORD.findall(rest)) else frozenset()


def _kept(text: str, dropped: frozenset[str]) -> list[str]:
    words = (word for word in _WORD.findall(text) if word not in dropped)
    return [stem for word in words if (stem := _stem(word)) not in dropped]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004
