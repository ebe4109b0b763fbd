"""Reading the final answer off an output."""

import re

from nodes.answers.answer import FinalAnswer
from nodes.answers.labels import COMES_TO, CONCLUSION, PLACEHOLDER, SAYS_NOTHING
from nodes.answers.statements import (
    Statement,
    last_sentence,
    sentence,
    statements,
    without_code,
)
from nodes.answers.values import classified, unwrapped, worded

MOST_WORDS, MOST_LABELLED = 8, 14  # of an answer in words; where it has a line of its own
MOST_APART = 3  # words that are no more than an answer
LONGEST_TEXT, LONGEST_QUESTION = 20_000, 5_000  # characters from the end that are read
LONGEST_WHOLE = 200  # characters of a text that may be an answer as a whole
FEWEST_SAID = 3  # words of a sentence around a number; `Chapter 1` is none

_NAME = r"[^\W\d_a-z][\w'’.-]*"
_ASKS_FOR_NAME = re.compile(r"\b(?:who|whose|which|what|where)\b", re.IGNORECASE)
_IS_NAME = re.compile(
    r"[^\n]{0,120}?\b(?:is|was|were) [*_\"]{0,3}"
    rf"({_NAME}(?: (?:{_NAME}|[a-z]{{2,3}})){{0,4}})\W*"
)
_OPTION = re.compile(
    r"(?:^|[\s:,;])\(?([A-J])[).][ \t]{0,3}([^\n]{1,300}?)(?=\s{0,3}\(?[A-J][).]\s|\n|$)"
)
_ASKS_FOR_ONE = re.compile(r"\\boxed|\banswer\b", re.IGNORECASE)  # without stating one
_NUMBERED = re.compile(
    r"^[ \t#*_(]{0,8}(?:(query|question|problem|task|answer|q)[ \t]{0,3}#?)?(\d{1,2})[ \t]{0,3}"
    r"[*_]{0,3}(?:[.):\uff1a]|[ \t]*$)[*_]{0,3}",
    re.IGNORECASE | re.MULTILINE,
)


def read_answer(text: str, *, question: str = "") -> FinalAnswer | None:
    """The final answer that an output states, or `None`.

    What is stated last counts: a box, a line with a label such as `Answer:`, a sentence such as
    `the answer is …`, a line `#### …`; then a last sentence that draws a conclusion; then a text
    that is one sentence with one number. `question`, if known, tells the options of a choice.
    Linear in the length of the text, of which the last 20,000 characters are read.
    """
    text = without_code(text)[-LONGEST_TEXT:]
    options = _options(question)
    found = statements(text)
    if found:
        return _decided(found, options)
    return _concluded(text, options, named=bool(_ASKS_FOR_NAME.search(question)))


def read_short_answer(text: str) -> FinalAnswer | None:
    """The answer that a whole text is or states, where it is a few words or a single sentence."""
    whole = text.strip()
    if not whole or len(whole) > LONGEST_WHOLE or "\n" in unwrapped(whole):
        return None
    if statements(whole):
        return read_answer(whole)
    if _ASKS_FOR_ONE.search(whole):
        return None
    found = classified(whole)
    if found is None and len(whole.split()) <= MOST_WORDS:
        found = worded(whole)
    return found


def read_answers(text: str, count: int) -> list[FinalAnswer] | None:
    """The final answers to `count` numbered queries, in their order; `None` if any is missing.

    They are read off the sections with the queries' numbers, else off as many statements.
    """
    sections = _sections(text, count)
    if sections is None:
        stated = statements(without_code(text)[-LONGEST_TEXT:])
        found = [_value(each, {}) for each in stated]
    else:
        found = [read_answer(each) or read_short_answer(each) for each in sections]
    answers = [answer for answer in found if answer]
    return answers if len(found) == len(answers) == count else None


def _decided(found: list[Statement], options: dict[str, str]) -> FinalAnswer | None:
    """The last statement; one within a sentence only if it is more than words."""
    spare = None
    for statement in reversed(found):
        answer = _value(statement, options)
        if statement.alone and (answer or not _says_nothing(statement)):
            return answer
        if answer and answer.kind != "text":
            return answer
        spare = spare or answer
    return spare


def _value(statement: Statement, options: dict[str, str]) -> FinalAnswer | None:
    if not statement.boxed and _says_nothing(statement):
        return None
    stated = statement.stated
    typed = classified(stated, mathematical=statement.boxed, options=options)
    if typed is None and not statement.boxed:
        typed = classified(sentence(stated), options=options)
    if typed or len(stated) > LONGEST_WHOLE:
        return typed
    most = MOST_LABELLED if statement.alone else MOST_WORDS
    short = statement.boxed or "\\" in stated or len(stated.split()) <= most
    return worded(stated) if short else None


def _says_nothing(statement: Statement) -> bool:
    stated = unwrapped(statement.stated)
    return bool(SAYS_NOTHING.match(stated) or PLACEHOLDER.fullmatch(stated[:LONGEST_WHOLE]))


def _concluded(text: str, options: dict[str, str], *, named: bool) -> FinalAnswer | None:
    """What the last sentence comes to, or says if it is the only one or a paragraph of few words.

    `named` tells that a name may be asked for.
    """
    whole = text.strip()
    last = last_sentence(text)
    result = COMES_TO.match(last)
    if result and len(last[result.end() :].split()) <= MOST_APART:
        return classified(last[result.end() :], options=options)
    if named and whole != last and (name := _IS_NAME.fullmatch(last)):
        return worded(name[1])
    said = CONCLUSION.match(last)
    apart = whole.endswith(f"\n\n{last}") and len(last.split()) <= MOST_APART
    if said is None and not apart and (whole != last or len(whole) > LONGEST_WHOLE):
        return None
    found = classified(last[said.end() :].lstrip(" ,:") if said else last, options=options)
    if found is None or found.kind in ("text", "formula", "date"):
        return None
    in_words = found.kind == "number" and last[:1].isalpha() and not said
    return None if in_words and (apart or len(last.split()) < FEWEST_SAID) else found


def _options(question: str) -> dict[str, str]:
    """The texts of the options that a question lists, by their letters from A on."""
    options: dict[str, str] = {}
    for letter, text in _OPTION.findall(question[-LONGEST_QUESTION:]):
        if letter == "ABCDEFGHIJ"[len(options) : len(options) + 1]:
            options[letter] = text.strip()
    return options if len(options) > 1 else {}


def _sections(text: str, count: int) -> list[str] | None:
    """What stands under each of the numbers 1 to `count`, if each stands once, in order."""
    headings = list(_NUMBERED.finditer(text))
    for labelled in (True, False):
        chosen = [match for match in headings if bool(match.group(1)) is labelled]
        if [int(match.group(2)) for match in chosen] != list(range(1, count + 1)):
            continue
        ends = [match.start() for match in chosen[1:]] + [len(text)]
        return [text[match.end() : end] for match, end in zip(chosen, ends, strict=True)]
    return None
