"""Telling when a person asks for something remembered to be dropped.

"Forget the rule about emojis" does; "don't forget the units", "you always forget the units" and
"remove all emojis" do not: only an order at the beginning of a clause counts. Losing everything is
the worst that a misread sentence can do, so that order has to be unmistakable: "forget everything"
alone, or an order that names what is remembered ("delete everything you know about me").
"""

import re
from dataclasses import dataclass, replace

from nodes.preferences.wording import is_negated, straight

# Both are bounded: a text of nothing but such words must not be read again from each of them.
_SOFTENED = (
    r"(?:(?:please|then|also|just|now|kindly|so|but|and|ok|okay|well|oh|hey|hi|hello|yes|no|sorry"
    r"|thanks|actually|first(?:ly|\s+of\s+all)?|second(?:ly)?|next|finally|instead|again|simply"
    r"|from\s+now\s+on|let's|lets|let\s+us|feel\s+free\s+to|you\s+(?:can|should|may)"
    r"|(?<!how )(?<!why )(?:can|could|would)\s+you"
    r"|i(?:'d|\s+would)?\s+(?:want|like|need)\s+you\s+to)\b[ \t]{0,3}(?:,[ \t]{0,3})?){0,6}"
)
_BEGIN = r"(?:^|[.!?;,:\n(]|(?<=\s)-+|\b(?=(?:and|but|so|then)\b))"
_ORDER = rf"{_BEGIN}[ \t]{{0,9}}(?:[-*•][ \t]{{1,9}}|\d{{1,3}}[.)][ \t]{{0,9}})?{_SOFTENED}"
_LONGEST_LEAD = 300
_REMEMBERED = r"preferences?|rules?|instructions?|notes?|memor(?:y|ies)|entr(?:y|ies)|playbook"
_REST = r"(?P<rest>[^.!?;,\n]*)"
# What is asked for beside it in the same breath.
_AND_THEN = re.compile(
    r"\s+and\s+(?:\w+\s+){0,2}?(?:answer|use|write|reply|respond|give|keep|call|be|add|start|switch"
    r"|make|speak|always|never|please|instead|from\s+now)\b",
    re.IGNORECASE,
)
_FORGET = re.compile(
    rf"{_ORDER}(?P<order>forget\b(?!\s+(?:to|how)\b)"
    rf"|(?:don't|do\s+not|stop|no\s+need\s+to)\s+remember(?:ing)?\b(?!\s+to\b)){_REST}",
    re.IGNORECASE,
)
_REMOVE = re.compile(
    rf"{_ORDER}(?P<order>(?:remove|delete|erase|drop|discard|cancel|ignore|disregard|scrap|undo)\b"
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
# Whoever tells of forgetting does not ask for it: "you read it and forget what I said".
_TOLD = re.compile(r"\b(?<!thank )(?:you|he|she|it|they|we|people)\b", re.IGNORECASE)
_CONDITIONAL = re.compile(r"\b(?:if|when|whenever|unless|until|once)\b", re.IGNORECASE)

_VERB = r"(?P<order>(?:forget|remove|delete|erase|clear|wipe|reset)\s+(?:about\s+)?"
_EVERYTHING = (
    r"everything\s+(?:that\s+)?(?:you\s+(?:know|remember|have|learned|learnt|stored|saved)"
    r"|i(?:'ve|\s+have)?\s+(?:ever\s+)?(?:said|told\s+you|asked))"
    r"|everything(?=\s+about\s+me\b)"
    r"|all\s+(?:of\s+)?(?:(?:my|the|your|these|those)\s+)?(?:preferences|memories)"
    r"|(?:my|your)\s+(?:whole\s+|entire\s+)?(?:playbook|memory|preferences)"
)
_BUT = r"except|excluding|apart|aside|other\s+than|besides|but|else"
_ALL = re.compile(
    rf"{_ORDER}{_VERB}(?:(?P<named>{_EVERYTHING}|(?<=forget )all\s+(?:of\s+)?(?:my|your)\s+"
    r"(?:rules|instructions|notes|entries))|(?<=forget )everything|(?<=forget about )everything)"
    r"(?:\s+(?:(?:about|of|on)\s+me|so\s+far|before|until\s+now|earlier|please|now|completely))*)"
    rf"(?=\s*(?:[.!?;,\n]|$|(?:and|{_BUT})\b))",
    re.IGNORECASE,
)
_ALONE = re.compile(
    rf"[ \t]*{_SOFTENED}forget\s+(?:about\s+)?everything(?:\s+(?:please|now|completely)){{0,3}}"
    r"(?:,?\s*(?:please|thanks|thank\s+you))?[\s.!]*",
    re.IGNORECASE,
)
_KEEPING = re.compile(
    rf"\b(?:{_BUT}|keep(?!\s+(?:it|your|answers?|replies|responses?|things?)\b)|save|still"
    r"|remember|(?:not|don't)\s+(?:the|my|about|forget|delete|remove|touch))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Order:
    """Where in a text something is asked to be forgotten, from `start` to `end`.

    What is to be forgotten is named from `what` on. `sure` is false where the words may as well
    mean something else ("remove the notes").
    """

    start: int
    what: int
    end: int
    sure: bool = True


def orders_to_forget(text: str) -> list[Order]:
    """The clauses of a text that ask for something remembered to be dropped."""
    plain = straight(text)
    orders = [_order(m) for m in _FORGET.finditer(plain) if _is_order(plain, m)]
    orders += [_order(m, sure=False) for m in _REMOVE.finditer(plain) if _is_order(plain, m)]
    for match in _ABROAD.finditer(plain):
        begin = max(plain.rfind(mark, 0, match.start()) for mark in ".!?;\n") + 1
        if not _NOT_ABROAD.search(plain[begin : match.end()]):
            orders.append(_order(match))
    return orders


def order_to_forget_all(text: str) -> Order | None:
    """Where everything remembered is asked to be dropped, or may be: see `Order.sure`."""
    plain = straight(text)
    found = [_all(plain, match) for match in _ALL.finditer(plain)]
    return next((order for order in found if order.sure), found[0] if found else None)


def _all(plain: str, match: re.Match[str]) -> Order:
    order = _order(match)
    around = f"{plain[: order.start]} {plain[order.end :]}"
    if match.group("named"):
        sure = _is_order(plain, match) and not _CONDITIONAL.search(_lead(plain, order.start))
    else:
        sure = _ALONE.fullmatch(_line(plain, order.start)) is not None
    return replace(order, what=order.end, sure=sure and not _KEEPING.search(around))


def keeps_something(text: str) -> bool:
    """Whether a text speaks of something that is not to be forgotten."""
    return _KEEPING.search(text) is not None


def _is_order(plain: str, match: re.Match[str]) -> bool:
    """Whether what leads up to the order in its sentence leaves it one."""
    lead = _lead(plain, match.start())
    joined = plain[match.start()].isalpha() or plain[match.start()] == ","
    if joined and _TOLD.search(lead):
        return False
    clause = lead[max(lead.rfind(mark) for mark in ",:(") + 1 :]
    return not (joined and is_negated(clause))


def _lead(plain: str, at: int) -> str:
    """The beginning of the sentence, up to a place in it."""
    nearest = max(0, at - _LONGEST_LEAD)
    return plain[max(nearest, *(plain.rfind(mark, nearest, at) + 1 for mark in ".!?;\n")) : at]


def _line(plain: str, at: int) -> str:
    end = plain.find("\n", at)
    return plain[plain.rfind("\n", 0, at) + 1 : end if end >= 0 else len(plain)]


def _order(match: re.Match[str], *, sure: bool = True) -> Order:
    another = _AND_THEN.search(match.string, match.end("order"), match.end())
    end = another.start() if another else match.end()
    return Order(match.start("order"), match.end("order"), end, sure)
