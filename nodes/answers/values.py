"""What a stated answer is: choice, yes or no, date, amount, formula, or a few words."""

import re
from fractions import Fraction

from nodes.answers.amounts import read_amount
from nodes.answers.answer import FinalAnswer
from nodes.answers.dates import read_date
from nodes.answers.labels import LEAD_IN, NO, YES
from nodes.answers.markup import plain

LONGEST = 400
MOST_ALTERNATIVES = 3
MOST_WORDS = 8  # of an option that are compared

_ANY = "ABCDEFGHIJ"
_OR = re.compile(r",? or |, i\.e\.,? ")

_MARKS = " \t\r\n*_`"
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "<": ">", "«": "»", "「": "」"}
_MATHEMATICS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"))
_WHOLE_TEXT = re.compile(r"\\(?:text[a-z]{0,6}|mathrm|mathbf|mbox)\s*\{([^{}\\]*)\}")
_UNITS_SET_APART = re.compile(r"\\(?:text|mathrm|mbox)")
_CHOICE = re.compile(
    r"(?:(?:option|choice|letter)s? )?"
    r"(?:[(\[] ?(?P<in_brackets>[A-Z]) ?[)\]]|(?P<bare>[A-Z])(?![\w'^+*/=-]))",
    re.IGNORECASE,
)
# What a letter begins that is no choice, as in `E. coli`.
_INITIAL = re.compile(r"\. [a-z]+")
_LETTERS = re.compile(r"\(?[A-J]\)?(?:(?: ?, ?| ?& ?|,? and )\(?[A-J]\)?)+\.?")
_EXPLAINED = re.compile(
    r"[,;]? (?:because|since|as|which|is (?:the )?(?:correct|right|best))\b.*| [-—–] .*| \(.*"
    r"|[,;.:] .*|[,;.]?|\) .+|: .+",
    re.DOTALL | re.IGNORECASE,
)
_OTHER_LETTER = re.compile(
    r"\s*(?:[,/&-]|and\b|or\b)\s*\(?[A-Za-z]\b(?!')|.*[,;]\s*(?:and\s+)?\(?[A-Z]\)?[:)]", re.DOTALL
)
_FIRST_WORD = re.compile(r"([^\W\d_]+)(?=$|[\s,.;:!()—–-])", re.DOTALL)
_NO_GOES_ON = re.compile(
    r"$|[,.;:!(—–-]| +(?:because|since|as|it|he|she|they|the|this|that|[—–(-])"
)
_REASON = re.compile(
    r"(?:[,;]? (?:because|since)\b|, (?:as|where|which|so)\b|; (?=[a-z]{2}[a-z ]{8})| [—–] ).*",
    re.DOTALL | re.IGNORECASE,
)
_WORD = re.compile(r"(?<!\\)\b[^\W\d_]{2,}")
_KNOWN_WORD = re.compile(
    r"(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|log|ln|exp|sqrt|root|max|min|gcd|lcm|mod|and|or|det",
    re.IGNORECASE,
)
_SIGN = re.compile(r"[\d=<>≤≥≠±+*/^∞∈π√|⟦]|\\[a-zA-Z]|^[^\W\d_]$|^[(\[].*,.*[)\]]$")
_FILLER = re.compile(r"\b(?:the|an?)\b")
_PUNCTUATION = re.compile(r"[^\w\s+\-*/=<>≤≥≠^%°¤€£¥.,()\[\]|]|[.,](?!\d)|(?<=\w)\.(?=\s|$)")


def classified(
    stated: str, *, mathematical: bool = False, options: dict[str, str] | None = None
) -> FinalAnswer | None:
    """A stated answer of any kind but words; `None` if it is none.

    `mathematical`: it stood in a box or between dollars. `options`: the texts of a question's
    choices by their letters, if it has any.
    """
    if len(stated) > LONGEST:
        return None
    shown = unwrapped(stated)
    if "\\begin{" in shown:
        return FinalAnswer("formula", shown, "".join(shown.split()))
    mathematical = mathematical or "\\" in stated or shown != unwrapped(stated, mathematics=False)
    phrase = plain(shown if "$" not in shown else stated)
    phrase = LEAD_IN.sub("", phrase, count=1).strip(_MARKS) if not mathematical else phrase
    if not phrase:
        return None
    return (
        _choice(phrase, shown, mathematical, options)
        or _boolean(phrase, shown)
        or _date(phrase, shown)
        or _number(phrase, shown, mathematical and not _UNITS_SET_APART.search(stated))
        or _formula(phrase, shown)
    )


def worded(stated: str) -> FinalAnswer | None:
    """A few words, of which case, articles, spacing and marks at the ends do not count."""
    shown = unwrapped(stated)
    shown = _REASON.sub("", shown) or shown
    phrase = LEAD_IN.sub("", plain(shown[:LONGEST]), count=1)
    folded = _PUNCTUATION.sub(" ", phrase.casefold())
    value = " ".join(_FILLER.sub(" ", folded).split()) or " ".join(folded.split())
    return FinalAnswer("text", shown, value) if value else None


def unwrapped(stated: str, *, mathematics: bool = True) -> str:
    """A stated answer without the marks and the full stop around it."""
    before = None
    while stated != before:
        before = stated
        stated = stated.strip(_MARKS)
        stated = re.sub(r"(?<!\.)[.;,:]$", "", stated)
        if stated[:1] in _QUOTES and stated.endswith(_QUOTES[stated[0]]) and len(stated) > 1:
            stated = stated[1:-1]
        if whole := _WHOLE_TEXT.fullmatch(stated):
            stated = whole.group(1)
        for opens, closes in _MATHEMATICS if mathematics else ():
            inner = stated[len(opens) : -len(closes)]
            if (
                stated.startswith(opens)
                and stated.endswith(closes)
                and opens not in inner
                and inner
            ):
                stated = inner
    return stated


def _choice(
    phrase: str, shown: str, mathematical: bool, options: dict[str, str] | None
) -> FinalAnswer | None:
    if _LETTERS.fullmatch(phrase):
        return FinalAnswer("choice", shown, ",".join(sorted(set(re.findall("[A-J]", phrase)))))
    match = _CHOICE.match(phrase)
    letter = _letter(match, mathematical and not options) if match else ""
    if match and letter and letter in (options or _ANY):
        words = _words(match.string[match.end() :])
        return FinalAnswer("choice", shown, letter, "" if options else words)
    for option, text in (options or {}).items():
        if _folded(text) == _folded(phrase):
            return FinalAnswer("choice", shown, option)
    return None


def _letter(match: re.Match[str], only_capitals: bool) -> str:
    """The letter that a choice begins with, if what follows belongs to its option."""
    in_brackets, written = match["in_brackets"], match["in_brackets"] or match["bare"]
    behind = match.string[match.end("in_brackets" if in_brackets else "bare") :]
    alone = not behind.strip(" .,:;)]")
    if written.islower() and (only_capitals or not (in_brackets or alone)):
        return ""
    if _OTHER_LETTER.match(behind) or _INITIAL.fullmatch(behind):
        return ""
    return written.upper() if alone or in_brackets or _EXPLAINED.fullmatch(behind) else ""


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W\d_]{2,}", text.casefold())[:MOST_WORDS])


def _folded(text: str) -> str:
    return " ".join(plain(text[:LONGEST]).casefold().strip(" .\"'").split())


def _boolean(phrase: str, shown: str) -> FinalAnswer | None:
    word = _FIRST_WORD.match(phrase)
    if word is None:
        return None
    folded = word.group(1).casefold()
    if folded in YES:
        return FinalAnswer("boolean", shown[: len(word.group(1))], "yes")
    if folded in NO and _NO_GOES_ON.match(phrase, word.end()):
        return FinalAnswer("boolean", shown[: len(word.group(1))], "no")
    return None


def _date(phrase: str, shown: str) -> FinalAnswer | None:
    found = read_date(phrase)
    return FinalAnswer("date", shown, found) if found else None


def _number(phrase: str, shown: str, mathematical: bool) -> FinalAnswer | None:
    for text in dict.fromkeys((phrase, _REASON.sub("", phrase))):
        found = read_amount(text, mathematical=mathematical)
        if found:
            spelled = shown if found.alone and text == phrase else found.spelled.replace("¤", "$")
            return FinalAnswer("number", spelled, str(Fraction(found.value)), found.unit)
    parts = _OR.split(phrase)[:MOST_ALTERNATIVES]
    amounts = [each for part in parts if (each := read_amount(part, mathematical=mathematical))]
    if len(amounts) != len(parts) or len({each.value for each in amounts}) > 1:
        return None
    return FinalAnswer("number", shown, str(amounts[0].value), max(each.unit for each in amounts))


def _formula(phrase: str, shown: str) -> FinalAnswer | None:
    if not all(map(_KNOWN_WORD.fullmatch, _WORD.findall(phrase))) or re.search(r'[?#"]', phrase):
        return None
    if not _SIGN.search(phrase) and not _SIGN.search(shown):
        return None
    return FinalAnswer(
        "formula", shown, re.sub(r"(?<=[\d.]) +(?=[\d.])", "_", phrase).replace(" ", "")
    )
