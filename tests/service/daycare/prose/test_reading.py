"""Tests how a note is read: its subject, denials, and cues that share words. The work grows linearly with the text."""

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.catalogue import CATALOGUE
from service.daycare.prose.cues import Language, languages
from service.daycare.prose.prefilter import may_have_milestones
from service.daycare.prose.reader import NOTHING, POSSIBLE_MAX, TEXT_CHARACTERS_MAX, findings_in, milestones_in, read_prepared
from service.daycare.prose.text import prepared

WALKS, FIRST_STEPS, CLAPS, LAUGHS = "movement.walks", "movement.first-steps", "hands.claps", "feelings.laughs"
WORDS = sorted(
    {word for language in languages() for word in language.cues}
    | {word for language in languages() for word in (*language.file.between, *language.file.conjunctions, *language.file.she)}
)


def test_milestones_come_in_the_order_of_the_words_and_each_once() -> None:
    text = "Mia laughed and clapped. After nap she clapped again, then she laughed and walked to the mat."
    assert milestones_in(text, names=["Mia"]) == (LAUGHS, CLAPS, WALKS)


def test_of_two_cues_that_share_words_the_more_specific_one_counts() -> None:
    """Words that match the cues of two milestones give the more specific one: "first steps" gives no "walks"."""
    assert milestones_in("Mia took her first steps today.", names=["Mia"]) == (FIRST_STEPS,)
    assert milestones_in("She rolled from her tummy to her back.", names=["Mia"]) == ("movement.rolls-tummy-to-back",)
    assert milestones_in("Mia crawled up the stairs.", names=["Mia"]) == ("movement.crawls-up-stairs",)


def test_a_denial_ends_at_but() -> None:
    assert milestones_in("Mia isn't walking or clapping yet, but she laughed.", names=["Mia"]) == (LAUGHS,)
    assert milestones_in("Mia isn't walking, clapping or laughing.", names=["Mia"]) == ()
    assert milestones_in("Walking across the room, almost!", names=["Mia"]) == ()


@pytest.mark.parametrize("name", ["Mia", "MIA", "Mia Rose", "mia"])
def test_the_child_is_known_by_the_name_that_the_source_shows(name: str) -> None:
    assert milestones_in(f"{name} clapped today.", names=[name]) == (CLAPS,)
    assert milestones_in("Mia clapped today.", names=[name]) == (CLAPS,)
    assert milestones_in("Mia clapped today.", names=["Theo"]) == ()


def test_without_names_a_pronoun_means_the_child_and_a_name_another_person() -> None:
    assert milestones_in("Mia clapped today.") == ()
    assert milestones_in("She clapped today.") == (CLAPS,)
    assert milestones_in("Clapped her hands today!") == (CLAPS,)


def test_you_means_the_child_only_in_a_note_that_is_addressed_to_the_child() -> None:
    """A sentence that only mentions the child addresses a parent: "you" is the parent, whose acts are not the child's."""
    assert milestones_in("Mia had soup. You walked to the car together.", names=["Mia"]) == ()
    for greeting in ("Dear Mia", "Well done, Mia", "Coucou Mia", "Chère Mia"):
        assert milestones_in(f"{greeting}! You walked to the mat.", names=["Mia"]) == (WALKS,), greeting


def test_a_name_that_is_an_everyday_word_means_the_child_only_with_a_capital() -> None:
    assert milestones_in("Will clapped today.", names=["Will"]) == (CLAPS,)
    assert milestones_in("Today Will will clap soon.", names=["Will"]) == ()
    assert milestones_in("He will clap.", names=["Will"]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Leo was silly. He clapped.",
        "Mia played with Leo. He clapped.",
        "Mia's brother clapped.",
        "Grandma came, she clapped.",
        "Mia sat with Leo, who clapped.",
        "Leo clapped. Laughed too.",
        "Leo's first steps!",
        "Our first steps as a class!",
        "First steps of Leo!",
    ],
)
def test_an_act_of_another_person_is_not_recorded(text: str) -> None:
    assert milestones_in(text, names=["Mia"]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Mia walks already?",
        "Mia clapped at home.",
        "Yesterday Mia clapped.",
        "Mum says Mia clapped.",
        "Please send a film where Mia clapped.",
        "Mia clapped if she was asked.",
        "Mia walked in the stroller.",
        "Mia walked with help.",
    ],
)
def test_questions_requests_conditions_hearsay_and_help_are_not_recorded(text: str) -> None:
    assert milestones_in(text, names=["Mia"]) == ()


def test_the_childs_name_ends_the_turn_of_another_person() -> None:
    assert milestones_in("Leo was sad. Mia hugged him. She laughed.", names=["Mia"]) == ("feelings.shows-affection", LAUGHS)
    assert milestones_in("Leo was sad. Mia sang. Mia laughed.", names=["Mia"]) == ("talking.sings-along", LAUGHS)


def test_few_quoted_words_are_read_as_the_childs_and_many_as_a_song() -> None:
    assert milestones_in("Mia said “mama” today.", names=["Mia"]) == ("talking.names-a-parent",)
    assert milestones_in("We read “Mia clapped and clapped and laughed all day”.", names=["Mia"]) == ()


def test_each_sentence_is_read_in_its_own_language() -> None:
    text = "Mia hat heute geklatscht. She laughed all day. ¡Hoy caminó por primera vez!"
    assert milestones_in(text, names=["Mia"]) == (CLAPS, LAUGHS, WALKS)


def test_typographic_marks_and_capitals_change_nothing() -> None:
    assert milestones_in("MIA ISN’T WALKING YET!!", names=["Mia"]) == ()
    assert milestones_in("MIA CLAPPED!!! 🎉🎉", names=["Mia"]) == (CLAPS,)


notes = st.one_of(
    st.text(max_size=400),
    st.lists(st.sampled_from([*WORDS, "Mia", "Leo", ".", ",", "?", "!", "\n", '"', "“", "not", "'s"]), max_size=60).map(" ".join),
)


@given(text=notes, names=st.lists(st.one_of(st.just("Mia"), st.text(max_size=8)), max_size=3))
@example(text="", names=[])
@example(text="\x00\ud800 clapped", names=["", "'", "\ud800"])
@example(text="İ’s ß clapped", names=["İ"])
def test_any_text_gives_known_milestones_each_once_and_the_same_again(text: str, names: list[str]) -> None:
    findings = findings_in(text, names=names)
    assert {*findings.found, *findings.possible} <= CATALOGUE.by_key.keys()
    assert len({*findings.found, *findings.possible}) == len(findings.found) + len(findings.possible)
    assert len(findings.possible) <= POSSIBLE_MAX
    assert findings_in(text, names=names) == findings


@given(text=notes, names=st.lists(st.one_of(st.just("Mia"), st.text(max_size=8)), max_size=3))
@example(text="ON MY OWN, she İate: she’s CLAPPED_", names=[])
def test_a_skipped_note_has_no_milestone(text: str, names: list[str]) -> None:
    text = prepared(text)
    assert may_have_milestones(text) or read_prepared(text, names) == NOTHING


@pytest.mark.parametrize("language", languages(), ids=lambda language: language.name)
def test_a_note_with_a_cue_is_never_skipped(language: Language) -> None:
    """The quick check before the reading skips no text with a cue, in lower case and with capitals as in a title."""
    for cues in language.cues.values():
        for cue in cues:
            certain = [step.words for step in cue.pattern.steps if not (step.is_optional or step.gap)]
            said = " ".join(min(words.whole, default="".join((*words.beginnings, *words.ends)[:1])) for words in certain)
            assert may_have_milestones(said), said
            assert may_have_milestones(said.title().replace("'", "’")), said


def test_everyday_notes_are_skipped() -> None:
    for text in ("", "Slept from 12:10 to 13:45.", "Wet diaper at 10:15.", "Ate all of her pasta.", "Windel gewechselt."):
        assert not may_have_milestones(text)


HOSTILE = {
    "one word without an end": "a",
    "one sentence of cues": "clapped ",
    "clauses of cues": "and clapped, ",
    "a subject far away": "she really ",
    "verbs with long gaps": "picked up one one one ",
    "denials": "not never no ",
    "open quotations": "“",
    "straight quotations": '"a',
    "apostrophes": "n't'",
    "names": "Mia Leo ",
    "a cue that means something else": "walked holding my hand ",
    "first steps": "her first few wobbly ",
    "dashes": "a-",
    "ends": "?.",
    "every language": "la de the ze sie clapped ",
    "words of nets": "she steps ",
    "clauses of nets": "and Leo steps, ",
    "colons": "room: Steps ",
    "headings": "Goals:\n",
    "headings in a line": ". Next steps: a",
    "tags": "<p>a",
    "open tags": "<p ",
    "entities": "&amp;",
    "slips": "stpes claped ",
    "stretched": "steppppps ",
    "taken back": "wrong child. ",
    "titles": "Miss Mia ",
    "pet names": "your little little little ",
}


COUNTED_CHARACTERS = 2_000
"""The length of a text in characters: enough to distinguish quadratic from linear work, and few enough to trace each line."""


def steps(text: str) -> int:
    """Returns how many lines of the reader's code run for a text. This measure of work does not depend on the machine."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if "prose" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read_prepared(prepared(text), names=["Mia"])
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_work_grows_no_faster_than_the_text(hostile: str) -> None:
    """For a text of twice the length, the reader runs at most 2.3 times as many lines of code, and 1,000 more."""
    half = HOSTILE[hostile] * (COUNTED_CHARACTERS // 2 // len(HOSTILE[hostile]))
    assert steps(half * 2) <= 2.3 * steps(half) + 1_000


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_longest_note_of_any_kind_is_read_to_its_end(hostile: str) -> None:
    long = HOSTILE[hostile] * (TEXT_CHARACTERS_MAX // len(HOSTILE[hostile]))
    findings = findings_in(long, names=["Mia"])
    assert {*findings.found, *findings.possible} <= CATALOGUE.by_key.keys()


def test_text_beyond_the_longest_note_is_not_read() -> None:
    assert milestones_in("." * TEXT_CHARACTERS_MAX + " Mia clapped.", names=["Mia"]) == ()
