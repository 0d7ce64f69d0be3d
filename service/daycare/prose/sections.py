"""Removes plans from a note: the text under a heading such as "Next steps:", "Ziele:" or "Prochaine étape :".

Owns the headings in five languages. A heading begins a line or a sentence and ends with a colon or a dash, or is a whole line.
The rest of the heading's line is a plan, even if it names the child. If nothing follows the heading on its line, the next lines
are the plan. This plan ends at another heading. It also ends at an empty line after its text, unless a list item follows that
line.
"""

import re
from typing import Final

HEADINGS: Final = "|".join(
    (
        # English
        r"(?:possible |suggested |my |our |the )?next steps?(?: (?:is|are|would be|will be|for \w+))?",
        r"what(?: (?:we|will we|i|do we|we will|we'll|comes?|to))?(?: do)? next(?: for \w+)?",
        r"where to next|way forward|moving forward|how to move on|ways? to support|how (?:we|you|i) (?:can|"
        r"will) (?:\w+ ){0,3}\w+",
        r"(?:learning |development(?:al)? |my |our |term |new |current )?"
        r"(?:goals?|targets?|aims?|objectives?|focus|priorit(?:y|ies)|intentions?)(?: (?:for|of|this|next) [^:\n–-]{1,40})?",
        r"expected outcomes?|(?:things )?to work on|working (?:on|towards)|still to come|coming up|to do|"
        r"planned(?: activit(?:y|ies))?|"
        r"plans?(?: for [^:\n]{1,30})?|planning|extension(?: ideas?)?|opportunit(?:y|ies)(?: (?:and|&) possibilities)?|"
        r"development matters[^:\n]{0,40}|tomorrow|next (?:week|term|month)|home learning|try at home|ideas for home",
        # German
        r"(?:unsere |die |mögliche )?nächste[rn]? schritte?|(?:förder|lern|entwicklungs|wochen|monats|"
        r"jahres)?ziele?n?(?: (?:für|im|des) [^:\n]{1,30})?",
        r"(?:förder)?plan(?:ung)?|wie geht es weiter|so geht es weiter|daran arbeiten wir|wir üben|ausblick|vorhaben|"
        r"schwerpunkte?",
        # Spanish
        r"(?:los )?(?:próximos?|siguientes?) (?:pasos?|objetivos?|metas?)|(?:objetivos?|metas?|propósitos?)(?: (?:del?|"
        r"para|de la) [^:\n]{1,30})?",
        r"plan(?:es|ificación)?|para trabajar|vamos a trabajar|a trabajar",
        # French
        r"(?:les |la |nos )?prochaines? (?:étapes?|objectifs?)|(?:objectifs?|buts?|projets?|pistes?)(?: (?:du|de|pour|"
        r"des) [^:\n]{1,30})?",
        r"à travailler|à venir|pour la suite|la suite",
        # Dutch
        r"(?:de |onze )?(?:volgende|vervolg) ?stap(?:pen)?|vervolgstappen|(?:leer|ontwikkel|"
        r"week)?doel(?:en)?(?: (?:voor|van) [^:\n]{1,30})?",
        r"aandachtspunten?|hier werken we aan|plannen|we oefenen(?: met)?|hoe verder",
    )
)
BULLET: Final = r"[ \t]*(?:[-*•·–—]|\d{1,2}[.)])?[ \t]*"
ITEM: Final = re.compile(r"[ \t]*(?:[-*•·–—]|\d{1,2}[.)])[ \t]")
INLINE: Final = re.compile(
    rf"(?:^{BULLET}|(?<=[.!?…;)]) +)(?:{HEADINGS})[ \t]*(?::|[-–—](?= )|\?(?= ))[ \t]*(?P<plan>[^\n]*)", re.I | re.M
)
ALONE: Final = re.compile(rf"^{BULLET}(?:{HEADINGS})[ \t]*[:?–—-]*[ \t]*$", re.I | re.M)
SUPPOSED: Final = re.compile(r"\bnext steps? (?:is|are|would be|will be|could be|for)\b", re.I)
SENTENCE: Final = re.compile(r"[^.!?]+[.!?]*")
OTHER_HEADING: Final = re.compile(r"^[^\W\d_][^:\n]{0,40}:[ \t]*$|^[^\W\d_][^:\n.!?]{0,30}:[ \t]+\S", re.M)


def without_plans(text: str) -> str:
    """Returns a note without its plans."""
    kept: list[str] = []
    is_planned = has_items = is_after_gap = False
    for line in text.split("\n"):
        if ALONE.match(line):
            is_planned, has_items, is_after_gap = True, False, False
            continue
        if is_planned and not line.strip():
            is_after_gap = True
            continue
        is_over = (is_after_gap and has_items and not ITEM.match(line)) or OTHER_HEADING.match(line) is not None
        if is_planned and not is_over:
            has_items, is_after_gap = True, False
            continue
        is_planned = False
        if (heading := INLINE.search(line)) is not None:
            is_planned, has_items, is_after_gap = not heading["plan"].strip(), False, False
            line = line[: heading.start()]
        kept.append(_without_supposed(line))
    return "\n".join(kept)


def _without_supposed(line: str) -> str:
    """Removes the sentences of a line that announce a next step without a heading."""
    if SUPPOSED.search(line) is None:
        return line
    return "".join(found.group() for found in SENTENCE.finditer(line) if SUPPOSED.search(found.group()) is None)
