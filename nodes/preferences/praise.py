"""Telling praise and thanks from feedback that asks for something."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRAISE = _words(
    """thanks thank thx appreciate appreciated great good nice awesome perfect excellent wonderful
    amazing brilliant fantastic superb cool super lovely helpful useful love loved liked cheers
    bravo kudos congratulations congrats impressive outstanding merci danke gracias grazie obrigado
    obrigada спасибо 谢谢 ありがとう"""
)
# Nothing in here asks for anything: one word more, and the feedback is read as a wish.
_BESIDE_IT = _words(
    """a an the i it this that these is was were are your you my me we so very really much many too
    quite pretty absolutely truly again lot lots for of and all on ever seen have had just well
    done job work answer answers response responses reply explanation explanations help one wow oh
    ah yes yeah hi hello hey keep up best ever it's that's i'm you're beaucoup vielen schön
    muchas molte mille"""
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def is_mere_praise(text: str) -> bool:
    """Whether a text is praise or thanks and asks for nothing."""
    words = set(_WORD.findall(text.lower().replace("’", "'")))
    return bool(words & _PRAISE) and words <= _PRAISE | _BESIDE_IT
