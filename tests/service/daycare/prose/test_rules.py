"""Tests the rules for reading notes: plans, uncertain milestones, retractions, names of the child, markup and typing errors."""

import msgspec
import pytest

from service.daycare.prose.reader import NOTHING, POSSIBLE_MAX, findings_in
from service.daycare.prose.trigger_words import great_firsts, triggers_by_language
from service.daycare.prose.typing_errors import corrected

STEPS, CLAPS = "movement.first-steps", "hands.claps"

# Text after a heading such as next steps, goals, targets or aims is a plan until the end of its line, even with a child's name.
CASE_12 = (
    "Mia loved the water tray and filled cup after cup. Next steps: Mia walks without holding on.",
    "Aim for this month: Mia feeds herself with a spoon.",
    "Targets: Mia washes her hands, Mia puts on her own shoes.",
    "What we do next: Mia climbs the ladder on her own.",
)


@pytest.mark.parametrize("text", CASE_12)
def test_a_plan_under_a_heading_is_neither_recorded_nor_held(text: str) -> None:
    assert findings_in(text, names=["Mia"]) == NOTHING


def test_a_plan_ends_with_its_line_and_a_list_under_a_heading_with_the_list() -> None:
    assert findings_in("Next steps: Mia walks.\nMia clapped today.", names=["Mia"]).found == (CLAPS,)
    assert findings_in("Goals\n- Mia walks\n- Mia waves\n\nMia clapped today.", names=["Mia"]).found == (CLAPS,)
    assert findings_in("<h3>Goals</h3><ul><li>Mia walks</li></ul><p>Mia clapped.</p>", names=["Mia"]).found == (CLAPS,)


def test_first_steps_are_no_heading() -> None:
    assert findings_in("First steps: from the sofa to Jo!", names=["Mia"]).found == (STEPS,)


def test_an_uncertain_milestone_is_held_and_not_recorded() -> None:
    findings = findings_in("I think Mia took her first steps.", names=["Mia"])
    assert findings.found == ()
    assert STEPS in findings.possible


def test_a_vague_announcement_possibly_mentions_every_great_first() -> None:
    findings = findings_in("Something special happened this morning, ask us at the door!", names=["Mia"])
    assert findings.found == ()
    assert findings.possible == great_firsts()
    assert len(great_firsts()) <= POSSIBLE_MAX


@pytest.mark.parametrize(
    "text",
    [
        "Mia clapped. Sorry, wrong child!",
        "Mia clapped. Edit: posted by mistake",
        "Mia hat geklatscht. Verwechslung, das war Lia.",
    ],
)
def test_a_certain_retraction_removes_every_milestone(text: str) -> None:
    assert findings_in(text, names=["Mia"]) == NOTHING


def test_a_possible_retraction_makes_milestones_uncertain() -> None:
    findings = findings_in("Mia clapped. Oops, no, that was the radio.", names=["Mia"])
    assert findings.found == ()
    assert CLAPS in findings.possible


def test_text_behind_a_retraction_counts() -> None:
    assert findings_in("Sorry, my last note was for the wrong child. Mia clapped today.", names=["Mia"]).found == (CLAPS,)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("Anna-Lena Maria Vogt", "Maria clapped today."),
        ("Anna-Lena Maria Vogt", "Anna-Lena clapped today."),
        ("Anna-Lena Maria Vogt", "Annalena clapped today."),
        ("Anna-Lena Maria Vogt", "Anna-Lena Vogt clapped today."),
        ("Rossi, Luisa", "Luisa clapped today."),
        ("José", "Jose\u0301 clapped today."),
        ("Jose\u0301", "José clapped today."),
        ("José", "Jose clapped today."),
        ("Jürgen", "Juergen clapped today."),
        ("Zoë", "ZOE clapped today."),
        ("Mia", "Miss Mia clapped today."),
        ("Mia", "Your daughter clapped today."),
        ("Mia", "Our little one clapped today."),
        ("Leo M.", "Leo M. clapped today."),
    ],
)
def test_a_child_is_known_by_every_part_of_its_names_and_by_what_staff_call_it(shown: str, text: str) -> None:
    assert findings_in(text, names=[shown]).found == (CLAPS,)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("Anna Vogt", "Today Noah Vogt clapped."),
        ("Anna Vogt", "Mrs Vogt clapped."),
        ("Leo M.", "Leo B. clapped."),
        ("Mia", "Your daughter's friend clapped."),
        ("Mia", "The little ones clapped."),
    ],
)
def test_another_person_who_shares_a_part_of_the_name_is_not_the_child(shown: str, text: str) -> None:
    assert findings_in(text, names=[shown]).found == ()


def test_a_plural_of_the_name_means_the_child_too() -> None:
    findings = findings_in("Both Mias clapped today.", names=["Mia"])
    assert CLAPS in (*findings.found, *findings.possible)


@pytest.mark.parametrize("text", ["Mummy, I clapped today!", "Well done Mia, you clapped!", "Dear Mia, today you clapped."])
def test_a_letter_from_or_to_the_child_is_about_the_child(text: str) -> None:
    assert findings_in(text, names=["Mia"]).found == (CLAPS,)


@pytest.mark.parametrize(
    "text",
    [
        "<p>Mia cl</p>".replace("</p>", "<b>apped</b></p>"),
        "Mia&nbsp;clapped &amp; clapped",
        "&lt;p&gt;Mia clapped&lt;/p&gt;",
        "**Mia** _clapped_",
        "“Mia clapped today, again and again.”",
        "Lunch: all eaten (Mia clapped)",
        "Mia claped today",
        "MIA CLAPPED",
    ],
)
def test_markup_quotation_marks_brackets_and_typing_errors_hide_nothing(text: str) -> None:
    assert findings_in(text, names=["Mia"]).found == (CLAPS,)


def test_invisible_text_of_a_page_is_not_read() -> None:
    assert findings_in("<p>Soup</p><!-- Mia clapped --><style>clapped {}</style>", names=["Mia"]) == NOTHING


def test_a_real_word_is_not_corrected() -> None:
    assert [corrected(word) for word in ("stops", "stool", "talking", "waking", "tooth", "frist", "crwaled", "stepsss")] == [
        "stops", "stool", "talking", "waking", "tooth", "first", "crawled", "steps",
    ]  # fmt: skip


def test_every_language_has_trigger_words_for_every_great_first() -> None:
    keys = {name: {key for one in triggers.sets for key in one.keys} for name, triggers in triggers_by_language().items()}
    assert all(of == set(great_firsts()) for of in keys.values()), {name: set(great_firsts()) - of for name, of in keys.items()}


def test_findings_are_small_on_the_wire() -> None:
    """The findings of a note are two short lists in one line of JSON."""
    assert msgspec.json.encode(findings_in("Mia clapped.", names=["Mia"])) == b'[["hands.claps"],[]]'
