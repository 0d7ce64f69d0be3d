"""Finds the words of a note that mean the child: names, words such as "your daughter", and the pronouns "I" and "you".

Owns the comparison of names. Case, accents and Unicode form do not matter, and "ü" equals "ue". Knows no milestones. A name is a
full name, as the family or the source writes it: first, middle and last names.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

import msgspec

NAMES_MAX: Final = 32
NAME_CHARACTERS_MAX: Final = 200
PART: Final = re.compile(r"[^\W\d_]+")
PARTICLES: Final = frozenset(
    {"de", "da", "di", "do", "du", "del", "der", "den", "des", "dos", "la", "le", "el", "van", "von", "zu", "y", "e"}
)
UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})

CHILD_MARK: Final = "\ue000"
"""The character that replaces words such as "your daughter" in a text. `text.prepared` first removes it from the note."""

_EN_KIN = r"daughter|son|princess|munchkin|superstar|cutie|kiddo|bubba|bubs|lo|toddler|baby|bab[ey]|child|kid"
_EN_PET = (
    r"girl|boy|lady|man|miss|madam|monkey|mouse|bug|peanut|pumpkin|angel|star|sweetie|sweetheart|darling|bean|love|one|"
    r"gentleman"
)
_EN_ADJECTIVE = (
    r"(?:(?:very own|little|lil|wee|tiny|sweet|lovely|clever|big|gorgeous|dear|beautiful|brave|cheeky|happy|young|own|baby)\s+)"
)
SUBSTITUTES: Final = re.compile(
    "|".join(
        (
            rf"\b(?:your|ur)\s+{_EN_ADJECTIVE}{{0,3}}(?:{_EN_KIN})\b(?!['’]s)",
            rf"\b(?:your|ur|our)\s+{_EN_ADJECTIVE}{{1,3}}(?:{_EN_KIN}|{_EN_PET})\b(?!['’]s)",
            r"\b(?:your|ur)\s+(?:girl|boy|little one|angel|sweetheart)\b(?!['’]s)",
            r"\bour\s+(?:princess|superstar|girl|boy|sweetheart)\b(?!['’]s)",
            r"\b(?:the\s+|this\s+|a certain\s+)?(?:little|lil)\s+(?:one|miss|lady|madam|man|"
            r"master)\b(?!['’]s)(?!\s+[a-z]+ers\b)",
            r"(?:(?<=^)|(?<=[.!?\n]\s)|(?<=\n))(?:baby|big|birthday)\s+(?:girl|boy)\b(?=\s+[a-z])(?!\s+(?:bed|pants|"
            r"room|party|cup))",
            # German
            r"\b(?:eure|euer|ihre|ihr|deine|dein|unsere?)\s+(?:(?:kleine[rn]?|süße[rn]?|liebe[rn]?|große[rn]?)\s+)?"
            r"(?:tochter|sohn|maus|mäuschen|prinzessin|spatz|schatz|zwerg|sonnenschein|krümel)\b",
            r"\b(?:[Dd]ie|[Uu]nsere|[Ee]ure|[Dd]er|[Uu]nser) (?:Kleine|Kleiner|Maus|Süße|Mausi|Prinzessin)\b(?! [A-ZÄÖÜ])",
            # Spanish
            r"\b(?:su|vuestr[ao]|tu)\s+(?:hij[ao]|hijit[ao]|peque|pequeñ[ao]|pequeñit[ao]|nen[ae]|niñ[ao]|princesa|bebé)\b",
            r"\b(?:la|el|nuestr[ao])\s+(?:peque|nen[ae]|princesa|pequeñaja|chiquitina|gordit[ao]|chiquit[ao])\b",
            # French
            r"\b(?:votre|ta|ton|notre)\s+(?:petite?\s+|grande?\s+)?(?:fille|fils|puce|loulou|louloute|poupée|princesse|"
            r"trésor|choupette|bébé)\b",
            r"\b(?:la|le)\s+(?:puce|miss|louloute|loulou|choupette|poulette)\b",
            # Dutch
            r"\b(?:jullie|jouw|uw|onze|je)\s+(?:(?:kleine|lieve|grote|stoere)\s+)?(?:dochter|zoon|meisje|meid|dame|"
            r"dametje|ventje|prinses|jongen|kereltje|kleintje)\b",
            r"\b(?:[Dd]e|[Oo]nze) (?:kleine (?:meid|dame|man|prinses)|kleintje)\b",
        )
    ),
    re.IGNORECASE,
)  # fmt: skip
# "Miss Mia" is read as the child Mia. This module cannot know whether a member of staff is called Mia, too.
FORMS_OF_ADDRESS: Final = frozenset(
    {"miss", "master", "princess", "prince", "lady", "señorita", "mademoiselle", "mlle", "fräulein", "prinzessin"}
)
TITLES: Final = frozenset(
    {"mr", "mrs", "ms", "herr", "frau", "señor", "señora", "sr", "sra", "mme", "madame", "monsieur", "mevrouw", "meneer"}
)

_PARENTS: Final = (
    r"mummy|mommy|mumm?y|mum|mom|mama|mami|mam[aá]|maman|mutti|daddy|dad|dada|papa|pap[aá]|papi|vati|"
    r"parents|family|familia|eltern|familie|famille|ouders|padres|papás|everyone|everybody|oma|opa"
)
WRITTEN_AS_CHILD: Final = re.compile(
    rf"(?:^|[\s,.!?¡«\"'(])(?:{_PARENTS})\b\s*[,!]|[,;]\s*(?:{_PARENTS})\b\s*[!.]|(?:\blove|xx?|\bkuss|\bbesos|\bbisous|"
    rf"\bkusjes|\bliebe grüße|\bhugs)\b\s*,?",
    re.IGNORECASE,
)
FIRST_PERSONS: Final = frozenset({"i", "ich", "yo", "j'", "je", "ik"})
SECOND_PERSONS: Final = frozenset({"you", "du", "tú", "tu", "jij", "je", "t'"})
PRAISE: Final = (
    r"well done|dear|bravo|hey|oh|hello|hi|good job|clever girl|clever boy|liebe[r]?|hallo|querid[ao]|hola|"
    r"chère?|coucou|lieve|dag|hoi"
)
PRAISED: Final = re.compile(
    r"\b(?:you (?:clever|good|brave|big|little|amazing|wonderful) (?:girl|boy|one|star)|what a (?:\w+ ){1,3}you (?:are|were)"
    r"|(?:little|young) (?:lady|man|one|miss)[.!,]*\s*$|girl you are|boy you are)",
    re.IGNORECASE,
)


class ChildNames(msgspec.Struct, frozen=True):
    """The single words and the initials of a child's full names."""

    first_names: frozenset[str]
    later_names: frozenset[str]
    """The middle and last names. Directly after another first name, such a name does not mean the child."""
    initials: frozenset[str]

    def is_first(self, word: str) -> bool:
        """Returns whether a word is a first name of the child."""
        return not self.first_names.isdisjoint(forms(word))

    def is_later(self, word: str) -> bool:
        """Returns whether a word is a middle or a last name of the child."""
        return len(word) > 1 and not self.later_names.isdisjoint(forms(word))


def names_of(names: Collection[str]) -> ChildNames:
    """Splits full names into first names, later names and initials.

    Reads at most 32 names, and at most 200 characters of each name.
    """
    first_names: set[str] = set()
    later_names: set[str] = set()
    for name in sorted(names)[:NAMES_MAX]:
        written = unicodedata.normalize("NFC", name[:NAME_CHARACTERS_MAX])
        if "," in written:  # Rossi, Luisa
            last, _, first = written.partition(",")
            written = f"{first} {last}"
        parts = PART.findall(written)
        if parts:
            first_names |= forms(parts[0])
            later_names |= {form for part in parts[1:] if part.lower() not in PARTICLES for form in forms(part)}
            hyphened = written.split()[0]
            first_names |= forms("".join(PART.findall(hyphened)))
    return ChildNames(frozenset(first_names), frozenset(later_names), frozenset(one[0] for one in later_names))


def forms(word: str) -> frozenset[str]:
    """Returns the spellings of a name in lower case: with accents, without accents, and with "ü" as "ue"."""
    low = word.lower()
    if low.isascii():
        return frozenset({low})
    return frozenset({low, _without_accents(low), _without_accents(low.translate(UMLAUTS))})


def _without_accents(word: str) -> str:
    split = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in split if not unicodedata.combining(letter)).replace("ß", "ss")


def child_pronouns(text: str, names: ChildNames) -> frozenset[str]:
    """Returns the pronouns that mean the child: "I" in a note in the child's voice, "you" in a note to the child."""
    found: frozenset[str] = frozenset()
    if WRITTEN_AS_CHILD.search(text):
        found |= FIRST_PERSONS
    if _is_addressed(text, names):
        found |= SECOND_PERSONS
    return found


def _is_addressed(text: str, names: ChildNames) -> bool:
    """Returns whether the note is addressed to the child, such as "Dear Mia", "you walked, Mia" or "well done Mia"."""
    if PRAISED.search(text):
        return True
    for found in PART.finditer(text):
        if names.is_first(found.group()):
            before, after = text[max(0, found.start() - 16) : found.start()].lower(), text[found.end() : found.end() + 10].lower()
            if re.match(r"\s*[,!]\s*(?:you|du|tú|tu|je|jij)\b", after) or re.search(rf"\b(?:{PRAISE})\s*,?\s*$", before):
                return True
            if re.search(
                r"\b(?:you|du|tú|tu|jij)\b[^.!?]{0,60}$", text[max(0, found.start() - 70) : found.start()].lower()
            ) and re.match(r"\s*[,.!]", after):
                return True
    return False
