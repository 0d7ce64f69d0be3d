"""Tests the catalogue's data: implications, safety notes, sources, and texts that do not compare children."""

import re
from collections import Counter
from itertools import chain
from math import ceil, floor

import msgspec
import pytest

from events.catalogue import CATALOGUE, Domain, Milestone
from events.ids import MilestoneKey

MILESTONES = tuple(CATALOGUE.by_key.values())

CDC_AGES_MONTHS = (2, 4, 6, 9, 12, 15, 18, 24, 30, 36, 48, 60)
# The number of items in the CDC's checklist of 2022 at each age in months, 159 in all.
CDC_COUNTS_BY_DOMAIN = {
    "social": (4, 3, 3, 5, 1, 5, 5, 2, 3, 2, 6, 3),
    "language": (2, 3, 3, 2, 3, 4, 2, 4, 4, 5, 4, 4),
    "cognitive": (2, 2, 3, 2, 2, 2, 2, 3, 4, 2, 3, 6),
    "movement": (3, 5, 3, 4, 4, 2, 6, 4, 4, 3, 4, 2),
}

# The WHO Multicentre Growth Reference Study of 2006: the 1st to the 99th percentile, in months.
WHO_WINDOWS = {
    "movement.sits-without-support": "who-2006:sits-without-support:3.8-9.2",
    "movement.stands-holding-on": "who-2006:stands-with-assistance:4.8-11.4",
    "movement.crawls": "who-2006:crawls-on-hands-and-knees:5.2-13.5",
    "movement.cruises": "who-2006:walks-with-assistance:5.9-13.7",
    "movement.stands-alone": "who-2006:stands-alone:6.9-16.9",
    "movement.walks": "who-2006:walks-alone:8.2-17.6",
}

SOURCE = re.compile(
    r"cdc-2022:(2|4|6|9|12|15|18|24|30|36|48|60):(social|language|cognitive|movement)"
    r"|who-2006:[a-z-]+:\d+\.\d-\d+\.\d"
    r"|stillnew:(big-step|micro-step|everyday-first|life-first)"
)

JUDGING = re.compile(
    r"\b(late|later|delay\w*|fail\w*|percent\w*|behind|ahead|normal\w*|abnormal\w*|scor\w+|rank\w*|on track|overdue|slow\w*"
    r"|advanced|should|worr\w+|concern\w*|average|typical\w*)\b|%",
    re.IGNORECASE,
)


def entry(key: str) -> Milestone:
    return CATALOGUE.by_key[key]


def sources_with_prefix(prefix: str) -> list[tuple[Milestone, str]]:
    return [(milestone, source) for milestone in MILESTONES for source in milestone.sources if source.startswith(prefix)]


def test_the_catalogue_is_large_enough_to_name_what_a_family_sees() -> None:
    assert len(MILESTONES) >= 240


def test_every_domain_has_milestones_and_every_key_starts_with_its_domain() -> None:
    assert {milestone.domain for milestone in MILESTONES} == set(Domain)
    assert [milestone.key for milestone in MILESTONES if not milestone.key.startswith(f"{milestone.domain}.")] == []


def test_every_key_can_be_named_in_an_event() -> None:
    for key in CATALOGUE.by_key:
        assert msgspec.convert(key, MilestoneKey) == key


def test_titles_are_short_and_no_two_are_alike() -> None:
    counts = Counter(milestone.title for milestone in MILESTONES)
    assert [title for title, count in counts.items() if count > 1] == []
    assert [title for title in counts if not 3 <= len(title) <= 60] == []


def test_months_are_a_range_between_birth_and_school() -> None:
    odd = [milestone.key for milestone in MILESTONES if not 0 <= milestone.months[0] <= milestone.months[1] <= 96]
    assert odd == []


def test_every_milestone_says_what_counts_in_a_sentence_or_a_few() -> None:
    odd = [milestone.key for milestone in MILESTONES if not re.fullmatch(r"[A-Z].{5,159}[.!]", milestone.what_counts)]
    assert odd == []


def test_every_source_is_one_that_can_be_looked_up() -> None:
    assert [milestone.key for milestone in MILESTONES if not milestone.sources] == []
    unknown = [source for milestone in MILESTONES for source in milestone.sources if not SOURCE.fullmatch(source)]
    assert unknown == []


@pytest.mark.parametrize("cdc_domain", CDC_COUNTS_BY_DOMAIN)
def test_every_item_of_the_cdc_checklist_has_an_entry(cdc_domain: str) -> None:
    found = Counter(source for _, source in sources_with_prefix("cdc-2022:"))
    counts = tuple(found[f"cdc-2022:{age}:{cdc_domain}"] for age in CDC_AGES_MONTHS)
    assert counts == CDC_COUNTS_BY_DOMAIN[cdc_domain]


def test_the_cdc_items_are_159_and_none_is_counted_twice() -> None:
    cited = sources_with_prefix("cdc-2022:")
    assert len(cited) == 159
    assert len({(milestone.key, source) for milestone, source in cited}) == 159


def test_the_age_of_a_cdc_item_lies_in_the_months_of_its_entry() -> None:
    outside = [
        milestone.key
        for milestone, source in sources_with_prefix("cdc-2022:")
        if not milestone.months[0] <= int(source.split(":")[1]) <= milestone.months[1]
    ]
    assert outside == []


def test_the_six_who_windows_are_cited_with_their_numbers() -> None:
    cited = {milestone.key: source for milestone, source in sources_with_prefix("who-2006:")}
    assert cited == WHO_WINDOWS


@pytest.mark.parametrize("key", WHO_WINDOWS)
def test_the_months_of_a_who_milestone_stay_inside_its_window(key: str) -> None:
    first, last = (float(bound) for bound in WHO_WINDOWS[key].split(":")[2].split("-"))
    months = entry(key).months
    assert floor(first) <= months[0]
    assert months[1] <= ceil(last)


@pytest.mark.parametrize(
    ("key", "criterion"),
    [
        ("movement.sits-without-support", "ten seconds"),
        ("movement.stands-holding-on", "ten seconds"),
        ("movement.crawls", "Three movements"),
        ("movement.cruises", "Five steps"),
        ("movement.stands-alone", "ten seconds"),
        ("movement.walks", "Five steps"),
    ],
)
def test_the_who_milestones_count_by_the_measure_of_the_study(key: str, criterion: str) -> None:
    assert criterion in entry(key).what_counts


def test_no_milestone_refers_to_one_that_is_missing_or_twice_to_the_same() -> None:
    for milestone in MILESTONES:
        for named in (milestone.builds_to, milestone.implies):
            assert set(named) <= set(CATALOGUE.by_key), milestone.key
            assert len(named) == len(set(named)), milestone.key


def test_nothing_implies_itself_by_any_way_round() -> None:
    assert [key for key in CATALOGUE.by_key if key in CATALOGUE.implied_by(key)] == []


def test_what_a_step_builds_to_never_comes_before_it() -> None:
    """The milestones have an order in which each comes after the milestones that it implies, and after those that build to it."""
    before = {milestone.key: set(milestone.implies) for milestone in MILESTONES}
    for milestone in MILESTONES:
        for bigger in milestone.builds_to:
            before[bigger].add(milestone.key)
    placed: set[str] = set()
    while ready := {key for key, smaller in before.items() if key not in placed and smaller <= placed}:
        placed |= ready
    assert set(before) - placed == set()


def test_smaller_steps_begin_no_sooner_than_the_milestones_they_lead_to() -> None:
    pairs = chain(
        ((milestone.key, bigger) for milestone in MILESTONES for bigger in milestone.builds_to),
        ((smaller, milestone.key) for milestone in MILESTONES for smaller in milestone.implies),
    )
    assert [pair for pair in pairs if entry(pair[0]).months[0] > entry(pair[1]).months[0]] == []


def test_every_micro_step_says_what_it_builds_to() -> None:
    lost = [milestone.key for milestone, _ in sources_with_prefix("stillnew:micro-step") if not milestone.builds_to]
    assert lost == []


@pytest.mark.parametrize(
    ("seen", "seen_as_well"),
    [
        ("movement.walks", "movement.first-steps"),
        ("movement.ten-steps", "movement.first-steps"),
        ("movement.walks-from-one-to-another", "movement.first-steps"),
        ("movement.runs", "movement.walks"),
        ("movement.runs", "movement.first-steps"),
        ("movement.cruises", "movement.stands-holding-on"),
        ("movement.pulls-up-in-the-cot", "movement.pulls-to-stand"),
        ("movement.rolls-tummy-to-back", "movement.rolls-over"),
        ("movement.rolls-back-to-tummy", "movement.rolls-over"),
        ("movement.rolls-over", "movement.tries-to-roll"),
        ("hands.stacks-six", "hands.stacks-two"),
        ("talking.names-a-parent", "talking.first-word"),
        ("talking.four-word-sentence", "talking.two-words-together"),
        ("talking.fifty-words", "talking.first-word"),
        ("thinking.counts-to-ten", "talking.first-word"),
        ("feelings.says-i-love-you", "talking.first-word"),
        ("life.all-milk-teeth", "life.first-tooth"),
    ],
)
def test_who_has_seen_the_bigger_has_seen_the_smaller(seen: str, seen_as_well: str) -> None:
    assert seen_as_well in CATALOGUE.implied_by(seen)
    assert seen in CATALOGUE.implying(seen_as_well)


@pytest.mark.parametrize(
    ("seen", "not_seen"),
    [
        ("movement.walks-holding-one-hand", "movement.first-steps"),
        ("movement.cruises", "movement.first-steps"),
        ("movement.first-steps", "movement.walks"),
        ("movement.walks", "movement.crawls"),
        ("talking.babbles", "talking.first-word"),
        ("movement.tries-to-roll", "movement.rolls-over"),
    ],
)
def test_a_sighting_is_not_taken_for_what_was_not_in_it(seen: str, not_seen: str) -> None:
    assert not_seen not in CATALOGUE.implied_by(seen)


def test_implied_by_and_implying_are_one_relation_read_from_both_ends() -> None:
    down = {(seen, implied) for seen in CATALOGUE.by_key for implied in CATALOGUE.implied_by(seen)}
    up = {(seen, implied) for implied in CATALOGUE.by_key for seen in CATALOGUE.implying(implied)}
    assert down == up
    assert {(a, c) for a, b in down for other, c in down if b == other} <= down


def test_a_familys_own_milestone_implies_nothing() -> None:
    own = "own.01890a5d-ac96-774b-bcce-b302099a8057"
    assert CATALOGUE.implied_by(own) == frozenset()
    assert CATALOGUE.implying(own) == frozenset()


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("movement.tries-to-roll", "swaddling"),
        ("movement.rolls-over", "swaddling"),
        ("movement.rolls-tummy-to-back", "swaddling"),
        ("movement.rolls-back-to-tummy", "swaddling"),
        ("movement.sits-without-support", "cot mattress"),
        ("movement.gets-to-sitting", "cot mattress"),
        ("movement.pulls-to-stand", "cot mattress"),
        ("movement.crawls", "Gates"),
        ("movement.crawls-on-tummy", "Gates"),
        ("movement.bottom-shuffles", "Gates"),
        ("movement.climbs-onto-something-low", "to the wall"),
        ("movement.climbs-out-of-the-cot", "low bed"),
        ("hands.mouths-toys", "choke"),
        ("hands.rakes-up-food", "cut food"),
        ("hands.pincer-grasp", "button batteries"),
        ("hands.finger-feeds-a-bite", "Cut food"),
        ("hands.opens-a-drawer", "Locks"),
        ("hands.opens-a-door", "latch"),
        ("life.first-solid-food", "stay beside"),
    ],
)
def test_what_changes_the_home_says_how(key: str, word: str) -> None:
    assert word in (entry(key).safety or "")


def test_no_danger_hides_inside_a_bigger_step() -> None:
    silent = [
        milestone.key
        for milestone in MILESTONES
        if milestone.safety is None and any(entry(implied).safety for implied in CATALOGUE.implied_by(milestone.key))
    ]
    assert silent == []


def test_the_firsts_that_parents_wait_for_carry_no_note_that_would_tell_them() -> None:
    waited_for = ("movement.first-steps", "movement.walks", "movement.runs", "talking.first-word", "feelings.social-smile")
    assert [key for key in (*waited_for, "life.first-tooth", "life.swims-a-few-strokes") if entry(key).safety] == []


def test_no_word_judges_a_child() -> None:
    texts = {one.key: " ".join((one.title, one.what_counts, one.safety or "")) for one in MILESTONES}
    assert [key for key, text in texts.items() if JUDGING.search(text)] == []
