"""Finds retractions in a note: "wrong child", "disregard this", "falsches Kind".

Owns the words of retractions in five languages. A certain retraction removes the text from the beginning of the note to the end
of the retracting sentence. A possible retraction ("sorry", "actually no") removes nothing, but makes every milestone of the note
uncertain.
"""

import re
from typing import Final

CERTAIN: Final = re.compile(
    "|".join(
        (
            r"\bwrong (?:child|kid|baby|page|profile|person|family|parent|account|girl|boy|name|one)\b",
            r"\b(?:mixed|muddled|confused|mixing) (?:\w+ ){0,3}(?:up|names|children|babies|with)\b|"
            r"\bmix(?:ed)?[ -]?up of names\b",
            r"\b(?:was )?(?:meant|intended) for (?:[^\W\d_]+['’]s|another|a different|someone|the other|max)\b",
            r"\b(?:entered|posted|sent|logged|written|recorded|added) (?:in error|by mistake|by accident|accidentally)\b",
            r"\b(?:ignore|disregard|scrap|forget|delete) (?:that|this|the|my|last|previous|what i)\b",
            r"\bapril fool|\bjust kidding\b|\bonly joking\b|\bjust joking\b|\bin my dreams?\b|\bi (?:was )?dream(?:t|ed)\b",
            r"\bfalsche[sn]? (?:kind|profil|gruppe|familie|seite|mädchen|junge)\b|\bverwechs(?:elt|lung)\b|"
            r"\bwar für (?:ein )?andere[sn]?\b|\baprilscherz\b",
            r"\bme equivoqué\b|\bnos equivocamos\b|\b(?:niñ[ao]|perfil) equivocad[ao]\b|\botr[ao] (?:familia|niñ[ao])\b|"
            r"\bolvid(?:en|ad|a) (?:el|este|lo)\b",
            r"\btrompée?s? d['’]enfant\b|\berreur de (?:ma|notre) part\b|\bmauvais(?:e)? (?:enfant|profil|famille)\b|"
            r"\bpour (?:un autre|une autre) (?:enfant|famille)\b",
            r"\bverkeerde (?:kind|kindje|profiel|pagina|familie)\b|\bvoor een ander kind\b|\bverwisseld\b|\bverwisseling\b",
        )
    ),
    re.IGNORECASE,
)
POSSIBLE: Final = re.compile(
    "|".join(
        (
            r"\bcorrection\b|\boops\b|\bwhoops\b|\bno,? wait\b|\bactually,? (?:no|it was|not)\b|\bnot really\b|"
            r"\bmy (?:mistake|bad)\b|\bscratch that\b",
            r"\bedit(?:ed)?\s*:|\bsorry,? (?:that|it|this|no|i|wrong)\b|\bso sorry\b|\boh no\b|\bi wrote that\b|"
            r"\bearlier (?:entry|note|message|post)\b",
            r"\bkorrektur\b|\bupps\b|\bnein,|\bdoch nur\b|\bdoch nicht\b|\bentschuldigung\b",
            r"\bperdón\b|\bcorrección\b|\bno, (?:fue|era|perdón)\b|\bups\b",
            r"\brectification\b|\boups\b|\bpardon\b|\bnon,? (?:c['’]était|en fait)\b|\bcorrection\b",
            r"\bfoutje\b|\bo nee\b|\bsorry,|\bcorrectie\b|\boeps\b",
        )
    ),
    re.IGNORECASE,
)
SENTENCE_END: Final = re.compile(r"[.!?\n]+|$")


def without_retracted(text: str) -> str:
    """Returns the text after the last certain retraction; the whole text if there is no certain retraction."""
    end = 0
    for found in CERTAIN.finditer(text):
        if (until := SENTENCE_END.search(text, found.end())) is not None:
            end = max(end, until.end())
    return text[end:]


def may_be_retracted(text: str) -> bool:
    """Returns whether a note contains a possible retraction."""
    return POSSIBLE.search(text) is not None
