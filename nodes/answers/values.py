"""What a stated answer is: choice, yes or no, date, amount, formula, or a few words."""

import re

from nodes.answers.amounts import read_amount
from nodes.answers.answer import FinalAnswer
from nodes.answers.dates import read_date
from nodes.answers.labels import LEAD_IN, NO, TAIL, YES
from nodes.answers.latex import DOLLAR, tidied

LONGEST = 400
LONGEST_PRODUCT = 3  # letters side by side in mathematics that are no word

_LETTERS = "ABCDEFGHIJ"
_MARKS = " \t\r\n*_`"
_WRAPPED = {'"': '"', "“": "”", "'": "'", "‘": "’", "<": ">", "«": "»", "「": "」"}
_WRAPPED |= {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}
_BOLD = re.compile(r"(?<![\w)])\*\*|\*\*(?![\w(])")
_WHOLE_TEXT = re.compile(r"\\(?:text[a-z]{0,6}|mathrm|mathbf|mbox)\s*\{([^{}\\]*)\}")
_UNITS_SET_APART = re.compile(r"\\(?:text|mathrm|mbox)")
_CHOICE = re.compile(
    r"(?:(?:option|choice|letter)s? )?"
    r"(?:[(\[] ?([A-Z]) ?[)\]]|([A-Z])(?![\w'^+*/=-]))(.*)",
    re.IGNORECASE | re.DOTALL,
)
_CHOICES = re.compile(r"\(?[A-J]\)?(?:(?: ?, ?| ?& ?|,? and )\(?[A-J]\)?)+\.?")
# What follows a letter that is not the only one, or no choice, as in `E. coli`.
_NO_CHOICE = re.compile(
    r"\s*(?:[,/&-]|and\b|or\b)\s*\(?[A-Za-z]\b(?!')|.*[,;]\s*(?:and\s+)?\(?[A-Z]\)?[:)]|\. [a-z]+$",
    re.DOTALL,
)
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
    boxed, shown = mathematical, unwrapped(stated)
    mathematical = boxed or "\\" in stated or stated.strip(f"{_MARKS}.")[-1:] == "$"
    shown = shown if mathematical else LEAD_IN.sub("", shown, count=1)
    phrase = tidied(shown).strip(_MARKS)
    variables = mathematical and not _UNITS_SET_APART.search(stated)
    return (
        _choice(phrase, shown, mathematical, options or {})
        or _boolean(phrase)
        or _date(phrase, shown)
        or _number(phrase, shown, variables, boxed)
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
    stated, before = _BOLD.sub("", stated), None
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
    match = _CHOICE.fullmatch(phrase)
    if match and _is_choice(*match.groups(default=""), variables=mathematical and not options):
        letter = (match.group(1) or match.group(2)).upper()
        if letter in (options or _LETTERS):
            return FinalAnswer("choice", shown, letter)
    folded = phrase.casefold().strip(" .\"'")
    for option, text in options.items():
        if tidied(text[:LONGEST]).casefold().strip(" .\"'") == folded:
            return FinalAnswer("choice", shown, option)
    return None


def _is_choice(in_brackets: str, bare: str, behind: str, *, variables: bool) -> bool:
    """Whether a letter is a choice by what stands behind it; `variables`: letters may be ones."""
    alone = not behind.strip(" .,:;)]")
    if (in_brackets or bare).islower() and (variables or not (in_brackets or alone)):
        return False
    if alone or in_brackets:
        return not _NO_CHOICE.match(behind)
    explained = _EXPLAINED.fullmatch(behind) and (behind[0] in ".):" or not variables)
    return bool(explained) and not _NO_CHOICE.match(behind)


def _boolean(phrase: str) -> FinalAnswer | None:
    word = _FIRST_WORD.match(phrase)
    said = word.group(1).casefold() if word else ""
    if word and (said in YES or (said in NO and _NO_GOES_ON.match(phrase, word.end()))):
        return FinalAnswer("boolean", word.group(1), "yes" if said in YES else "no")
    return None


def _date(phrase: str, shown: str) -> FinalAnswer | None:
    found = read_date(phrase)
    return FinalAnswer("date", shown, found) if found else None


def _number(phrase: str, shown: str, mathematical: bool, boxed: bool) -> FinalAnswer | None:
    reasonless = _REASON.sub("", phrase)
    found = read_amount(reasonless, mathematical=mathematical)
    if found is None:
        return None
    alone = found.alone and reasonless == phrase
    spelled = shown if alone or boxed else found.spelled.replace(DOLLAR, "$")
    return FinalAnswer("number", spelled, str(found.value), found.unit)


def _formula(phrase: str, shown: str, mathematical: bool) -> FinalAnswer | None:
    longest_name = LONGEST_PRODUCT if mathematical else 1
    phrase = _CALLED.sub("", _ROUNDED.sub("", phrase))
    words = (word for word in _WORD.findall(_COMMAND.sub(" ", phrase)) if len(word) > longest_name)
    if not all(map(_KNOWN_WORD.fullmatch, words)) or not _SIGN.search(phrase):
        return None
    return None if set('?#"') & set(phrase) else FinalAnswer("formula", shown, phrase)
