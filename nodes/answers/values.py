"""What a stated answer is: choice, yes or no, date, amount, formula, or a few words."""

import re

from nodes.answers.amounts import read_amount
from nodes.answers.answer import FinalAnswer
from nodes.answers.dates import read_date
from nodes.answers.labels import LEAD_IN, NO, TAIL, YES
from nodes.answers.latex import DOLLAR, tidied

LONGEST = 400
MOST_ALTERNATIVES = 3
LONGEST_PRODUCT = 3  # letters side by side in mathematics that are no word

_LETTERS = "ABCDEFGHIJ"
_MARKS = " \t\r\n*_`"
_WRAPPED = {'"': '"', "“": "”", "'": "'", "‘": "’", "<": ">", "«": "»", "「": "」"}
_WRAPPED |= {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}
_WHOLE_TEXT = re.compile(r"\\(?:text[a-z]{0,6}|mathrm|mathbf|mbox)\s*\{([^{}\\]*)\}")
_UNITS_SET_APART = re.compile(r"\\(?:text|mathrm|mbox)")
_CHOICE = re.compile(
    r"(?:(?:option|choice|letter)s? )?"
    r"(?:[(\[] ?(?P<in_brackets>[A-Z]) ?[)\]]|(?P<bare>[A-Z])(?![\w'^+*/=-]))",
    re.IGNORECASE,
)
_CHOICES = re.compile(r"\(?[A-J]\)?(?:(?: ?, ?| ?& ?|,? and )\(?[A-J]\)?)+\.?")
_OTHER_LETTER = re.compile(
    r"\s*(?:[,/&-]|and\b|or\b)\s*\(?[A-Za-z]\b(?!')|.*[,;]\s*(?:and\s+)?\(?[A-Z]\)?[:)]", re.DOTALL
)
# What a letter begins that is no choice, as in `E. coli`.
_INITIAL = re.compile(r"\. [a-z]+")
_EXPLAINED = re.compile(
    r"[,;]? (?:because|since|as|which|is (?:the )?(?:correct|right|best))\b.*| [-—–(].*|[,;.:)] .*",
    re.DOTALL | re.IGNORECASE,
)
_FIRST_WORD = re.compile(r"([^\W\d_]+)(?=$|[\s,.;:!()—–-])")
_NO_GOES_ON = re.compile(r"$|[,.;:!(—–-]| +(?:because|since|as|it|s?he|they|the|this|that|[—–(-])")
_REASON = re.compile(
    r"(?:[,;]? (?:because|since)\b|, (?:as|where|which|so)\b|; (?=[a-z]{2}[a-z ]{8})| [—–] ).*",
    re.DOTALL | re.IGNORECASE,
)
_OR = re.compile(r",? or |, i\.e\.,? ")
_WORD = re.compile(r"[^\W\d_]{2,}")
_COMMAND = re.compile(r"\\(?:begin|end)\{\w+\*?\}(?:\{[lcr|]+\})?|\\[a-zA-Z]+")
_KNOWN_WORD = re.compile(
    r"(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|log|ln|exp|sqrt|max|min|gcd|lcm|mod|and|or|det",
    re.IGNORECASE,
)
_CALLED = re.compile(r"^[^\W\d_]{2}[\w' ]{0,40}= ?")
_ROUNDED = re.compile(r"(?<=[\dπ)}]) ?≈.*", re.DOTALL)
_SIGN = re.compile(r"[\d=<>≤≥≠±+*/^∞∈π√|⟦\\]|^[^\W\d_]$|^[(\[].*,.*[)\]]$")
_PUNCTUATION = re.compile(r"[^\w\s+\-*/=<>≤≥≠^%°¤€£¥.,()\[\]|]|[.,](?!\d)|\b(?:the|an?)\b")


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
    mathematical = mathematical or "\\" in stated or stated.strip(f"{_MARKS}.")[-1:] == "$"
    shown = shown if mathematical else LEAD_IN.sub("", shown, count=1)
    phrase = tidied(shown).strip(_MARKS)
    variables = mathematical and not _UNITS_SET_APART.search(stated)
    return (
        _choice(phrase, shown, mathematical, options or {})
        or _boolean(phrase)
        or _date(phrase, shown)
        or _number(phrase, shown, variables)
        or _formula(phrase, shown, mathematical and "$" not in shown)
    )


def worded(stated: str) -> FinalAnswer | None:
    """A few words, of which case, articles, spacing and marks at the ends do not count."""
    shown = unwrapped(_REASON.sub("", unwrapped(stated)) or stated)
    phrase = LEAD_IN.sub("", tidied(shown[:LONGEST]), count=1).casefold()
    value = _PUNCTUATION.sub(" ", phrase).split() or phrase.split()
    return FinalAnswer("text", shown, " ".join(value)) if value else None


def unwrapped(stated: str) -> str:
    """A stated answer without the marks and the full stop around it."""
    before = None
    while stated != before:
        before = stated
        stated = TAIL.sub("", re.sub(r"(?<!\.)[.;,:]$", "", stated.strip(_MARKS)), count=1)
        if whole := _WHOLE_TEXT.fullmatch(stated):
            stated = whole.group(1)
        for opens, closes in _WRAPPED.items():
            inner = stated[len(opens) : -len(closes)]
            wraps = stated.startswith(opens) and stated.endswith(closes)
            stated = inner if wraps and inner and opens not in inner else stated
    return stated


def _choice(
    phrase: str, shown: str, mathematical: bool, options: dict[str, str]
) -> FinalAnswer | None:
    if _CHOICES.fullmatch(phrase):
        return FinalAnswer("choice", shown, ",".join(sorted(set(re.findall("[A-J]", phrase)))))
    match = _CHOICE.match(phrase)
    letter = _letter(match, mathematical and not options) if match else ""
    if letter and letter in (options or _LETTERS):
        return FinalAnswer("choice", shown, letter)
    folded = phrase.casefold().strip(" .\"'")
    for option, text in options.items():
        if tidied(text[:LONGEST]).casefold().strip(" .\"'") == folded:
            return FinalAnswer("choice", shown, option)
    return None


def _letter(match: re.Match[str], only_capitals: bool) -> str:
    """The letter that a choice begins with, if what follows belongs to its option."""
    in_brackets, written = match["in_brackets"], match["in_brackets"] or match["bare"]
    behind = match.string[match.end() :]
    alone = not behind.strip(" .,:;)]")
    if written.islower() and (only_capitals or not (in_brackets or alone)):
        return ""
    if _OTHER_LETTER.match(behind) or _INITIAL.fullmatch(behind):
        return ""
    if only_capitals and not (in_brackets or alone or behind[:2] in (". ", ") ", ": ")):
        return ""
    return written.upper() if alone or in_brackets or _EXPLAINED.fullmatch(behind) else ""


def _boolean(phrase: str) -> FinalAnswer | None:
    word = _FIRST_WORD.match(phrase)
    if word is None:
        return None
    if word.group(1).casefold() in YES:
        return FinalAnswer("boolean", word.group(1), "yes")
    if word.group(1).casefold() in NO and _NO_GOES_ON.match(phrase, word.end()):
        return FinalAnswer("boolean", word.group(1), "no")
    return None


def _date(phrase: str, shown: str) -> FinalAnswer | None:
    found = read_date(phrase)
    return FinalAnswer("date", shown, found) if found else None


def _number(phrase: str, shown: str, mathematical: bool) -> FinalAnswer | None:
    reasonless = _REASON.sub("", phrase)
    found = read_amount(reasonless, mathematical=mathematical)
    if found:
        alone = found.alone and reasonless == phrase
        spelled = shown if alone or mathematical else found.spelled.replace(DOLLAR, "$")
        return FinalAnswer("number", spelled, str(found.value), found.unit)
    parts = _OR.split(phrase)[:MOST_ALTERNATIVES]
    amounts = [each for part in parts if (each := read_amount(part, mathematical=mathematical))]
    if len(amounts) != len(parts) or len({each.value for each in amounts}) > 1:
        return None
    return FinalAnswer("number", shown, str(amounts[0].value), max(each.unit for each in amounts))


def _formula(phrase: str, shown: str, mathematical: bool) -> FinalAnswer | None:
    longest_name = LONGEST_PRODUCT if mathematical else 1
    phrase = _CALLED.sub("", _ROUNDED.sub("", phrase))
    words = (word for word in _WORD.findall(_COMMAND.sub(" ", phrase)) if len(word) > longest_name)
    if not all(map(_KNOWN_WORD.fullmatch, words)) or not _SIGN.search(phrase):
        return None
    return None if set('?#"') & set(phrase) else FinalAnswer("formula", shown, phrase)
