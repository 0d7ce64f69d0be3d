"""Tests the cue files: they name only milestones of the catalogue. An invalid file is refused with its name and the error."""

from pathlib import Path

import pytest

from events.catalogue import CATALOGUE
from service.daycare.prose.cues import Language, LanguageFileInvalid, languages, read_language
from service.daycare.prose.reader import milestones_in

FOLDER = Path(__file__).parents[4] / "service" / "daycare" / "prose" / "languages"
ENGLISH = (FOLDER / "en.toml").read_bytes()
LANGUAGES = languages()


def test_every_cue_names_a_milestone_of_the_catalogue() -> None:
    cued = {cue.key for language in LANGUAGES for cue in language.file.cues}
    assert cued - CATALOGUE.by_key.keys() == set()


def test_most_of_what_daycares_write_about_has_a_cue() -> None:
    assert len({cue.key for language in LANGUAGES if language.name == "en" for cue in language.file.cues}) >= 120


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_a_language_lists_each_milestone_once(language: Language) -> None:
    keys = [cue.key for cue in language.file.cues]
    assert sorted(set(keys)) == sorted(keys)


def test_every_file_of_the_folder_is_read_in_the_order_of_its_name() -> None:
    assert [language.name for language in LANGUAGES] == sorted(file.stem for file in FOLDER.glob("*.toml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[frequent_words", "xx: "),
        (ENGLISH + b"\n[extra]\na = 1\n", "xx: .*extra"),
        (b'frequent_words = ["the"]', "xx: .*required field"),
        (ENGLISH.replace(b'"<scribble>"', b'"<scrawl>"'), "xx: .*scrawl"),
        (ENGLISH.replace(b'"<scribble>"', b'"@nobody"'), "xx: .*nobody"),
        (ENGLISH.replace(b'"<scribble>"', b'"..3 scribbled"'), "xx: .*begins with no required word"),
        (ENGLISH.replace(b'"<scribble>"', b'"Scribbled"'), "xx: .*lower case"),
        (ENGLISH.replace(b'"<scribble>"', b'""'), "xx: .*without a word"),
    ],
)
def test_an_invalid_cue_file_is_refused_by_its_name(content: bytes, message: str) -> None:
    with pytest.raises(LanguageFileInvalid, match=message):
        read_language("xx", content)


# Three simple sentences for each language. They fail if a language's guards or its rule about subjects exclude its own cues.
PLAIN = {
    "en": ("Mia clapped.", "Mia crawled.", "Mia laughed."),
    "de": ("Mia hat geklatscht.", "Mia ist gekrabbelt.", "Mia hat gelacht."),
    "es": ("Mia aplaudió.", "Mia gateó.", "Mia se rió."),
    "fr": ("Mia a applaudi.", "Mia a marché à quatre pattes.", "Mia a ri."),
    "nl": ("Mia heeft geklapt.", "Mia heeft gekropen.", "Mia heeft gelachen."),
}


@pytest.mark.parametrize("language", PLAIN)
def test_the_plainest_sentence_is_understood_in_every_language(language: str) -> None:
    found = [milestones_in(text, names=["Mia"]) for text in PLAIN[language]]
    assert found == [("hands.claps",), ("movement.crawls",), ("feelings.laughs",)]
