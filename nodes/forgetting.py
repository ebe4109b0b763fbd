"""Telling when a person asks for something remembered to be dropped.

"Forget the rule about emojis" does; "don't forget the units", "you always forget the units" and
"remove all emojis" do not: only an order at the beginning of a clause counts.
"""

import re
from dataclasses import dataclass

_ORDER = (
    r"(?:^|[.!?;,:\n(]|\b(?:please|then|also|just|now|kindly|so|but|ok|okay|well"
    r"|(?:can|could|would|will)\s+you|you\s+(?:can|should|may|must)"
    r"|(?:want|like|need)\s+you\s+to))[ \t]*(?:-[ \t]*|\d+[.)][ \t]*)?"
)
_REMEMBERED = r"preferences?|rules?|instructions?|notes?|memor(?:y|ies)|entr(?:y|ies)|playbook"
_REST = r"(?P<rest>[^.!?;,\n]*)"
_FORGET = re.compile(
    rf"(?:{_ORDER}|\band\s+(?=forget\s+(?:that|what|about|my|all|everything)\b))"
    rf"(?P<order>forget\b(?!\s+(?:to|how)\b)"
    rf"|(?:don't|do\s+not|stop|no\s+need\s+to)\s+remember(?:ing)?\b(?!\s+to\b)){_REST}",
    re.IGNORECASE,
)
_REMOVE = re.compile(
    rf"{_ORDER}(?P<order>(?:remove|delete|erase|drop|discard|cancel)\b"
    rf"(?=[^.!?;,\n]{{0,40}}\b(?:{_REMEMBERED}|(?:what|everything)\s+i\s+(?:said|told))\b)){_REST}",
    re.IGNORECASE,
)
# The plainest way to say so in other languages, and the words that turn it round.
_ABROAD = re.compile(
    r"(?P<order>\b(?:oublie[rz]?|vergiss|vergessen\s+sie|olvid[ae]|dimentica|esque[cç]a|забудь)\b"
    rf"|忘れて|忘记|忘掉){_REST}",
    re.IGNORECASE,
)
_NOT_ABROAD = re.compile(r"\b(?:n|ne|pas|nicht|nie|no|nunca|non|não|nao|не)\b|不|别|別|勿", re.I)
_FORGET_ALL = re.compile(
    rf"{_ORDER}(?P<order>(?:forget|remove|delete|erase|clear|wipe|reset)\s+(?:"
    r"(?:about\s+)?everything"
    r"(?:\s+(?:that\s+)?(?:you\s+(?:know|remember|have|learned|learnt|stored|saved)"
    r"|i(?:'ve|\s+have)?\s+(?:ever\s+)?(?:said|told\s+you|asked)))?"
    r"|all\s+(?:of\s+)?(?:(?:my|the|your|these|those)\s+)?(?:preferences|memor(?:y|ies))"
    r"|all\s+(?:of\s+)?(?:my|your)\s+(?:rules|instructions|notes|entries)"
    r"|(?:my|your|the)\s+(?:whole\s+|entire\s+)?(?:playbook|memory|preferences))"
    r"(?:\s+(?:about|of|on)\s+me)?(?:\s+(?:please|now|completely))*)"
    r"(?=\s*(?:[.!?,;\n]|$|and\b))"
    r"(?!\s*,?\s*(?:and\s+)?(?:except|but|apart|other\s+than|besides|only\s+keep|keep|save)\b)",
    re.IGNORECASE,
)
_STRAIGHT = str.maketrans("‘’“”–—", "''\"\"--")


@dataclass(frozen=True, slots=True)
class Order:
    """Where in a text something is asked to be forgotten, from `start` to `end`.

    What is to be forgotten is named from `what` on. `sure` is false where the words may as well
    speak of the answers ("remove the notes").
    """

    start: int
    what: int
    end: int
    sure: bool = True


def straight(text: str) -> str:
    """The text with plain quotation marks and dashes; every character keeps its place."""
    return text.translate(_STRAIGHT)


def orders_to_forget(text: str) -> list[Order]:
    """The clauses of a text that ask for something remembered to be dropped."""
    plain = straight(text)
    orders = [_order(match) for match in _FORGET.finditer(plain)]
    orders += [_order(match, sure=False) for match in _REMOVE.finditer(plain)]
    for match in _ABROAD.finditer(plain):
        begin = max(plain.rfind(mark, 0, match.start()) for mark in ".!?;\n") + 1
        if not _NOT_ABROAD.search(plain[begin : match.end()]):
            orders.append(_order(match))
    return orders


def order_to_forget_all(text: str) -> Order | None:
    """Where everything remembered is asked to be dropped, if it is."""
    match = _FORGET_ALL.search(straight(text))
    if match is None:
        return None
    return Order(match.start("order"), match.end(), match.end())


def _order(match: re.Match[str], *, sure: bool = True) -> Order:
    return Order(match.start("order"), match.end("order"), match.end(), sure)
