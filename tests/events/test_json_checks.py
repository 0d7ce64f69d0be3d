"""Tests that a push, or a draft in it, is refused exactly if two JSON parsers could read it differently."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.errors import BodyMalformed, BodyTooDeep, DuplicateKey, Refused
from events.event import Draft
from events.json_checks import refuse_duplicate_keys, refuse_duplicate_outer_keys
from events.wire import Malformed, Push, bare_quotes, digest_of_draft, read_push
from tests.events.drafts import ABOUT, CHILD, SENT_AT, body_of, draft_of
from tests.events.spelling import TEXTS, spelled

OPTIONAL = st.one_of(st.none(), TEXTS)
EVENTS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("MilestoneObserved"), "child": st.just(CHILD), "milestone": st.just("movement.walks")},
        optional={"note": OPTIONAL, "again": st.booleans()},
    ),
    st.fixed_dictionaries(
        {"type": st.just("NoteWritten"), "child": st.just(CHILD), "text": TEXTS},
        optional={"about": st.sampled_from([None, ABOUT])},
    ),
    st.fixed_dictionaries({"type": st.just("Cheered"), "about": st.just(ABOUT)}, optional={"words": OPTIONAL}),
    st.fixed_dictionaries(
        {
            "type": st.just("Amended"),
            "target": st.just(ABOUT),
            "changes": st.fixed_dictionaries({}, optional={"note": OPTIONAL, "text": TEXTS, "again": st.booleans()}),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("Sorted"), "target": st.just(ABOUT), "child": st.just(CHILD)},
        optional={"milestone": st.sampled_from([None, "movement.walks"])},
    ),
    st.fixed_dictionaries(
        {"type": st.just("SurpriseChosen"), "scope": st.just("all"), "mode": st.just("keep")},
        optional={"child": st.sampled_from([None, CHILD]), "at_most_days": st.sampled_from([None, 30])},
    ),
)


def keys_in(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from keys_in(inner)
        case list():
            for inner in value:
                yield from keys_in(inner)


class Pairs(list[tuple[str, Any]]):
    """The pairs of a JSON object, including pairs with the same key."""


def has_double(value: Any) -> bool:
    match value:
        case Pairs():
            keys = [key for key, _ in value]
            return len(keys) > len(set(keys)) or any(has_double(inner) for _, inner in value)
        case list():
            return any(map(has_double, value))
        case _:
            return False


@given(st.lists(EVENTS, min_size=1, max_size=3), st.data())
def test_a_push_is_refused_exactly_where_a_key_is_duplicated(events: list[dict[str, Any]], data: st.DataObject) -> None:
    """Law 17: a duplicate key in a draft refuses that draft. A duplicate key outside of the drafts refuses the push."""
    whole = {"sent_at": SENT_AT, "drafts": [draft_of(event, number=n) for n, event in enumerate(events, 1)]}
    doubled = data.draw(st.sets(st.integers(0, sum(1 for _ in keys_in(whole)) - 1), max_size=2))
    number = count()
    body = spelled(whole, data, doubles=lambda: next(number) in doubled).encode()
    seen = json.loads(body, object_pairs_hook=Pairs)
    outer = [key for key, _ in seen]
    if len(outer) > len(set(outer)):
        with pytest.raises(DuplicateKey):
            read_push(body)
        return
    push = read_push(body)
    for draft, pairs in zip(push.drafts, dict(seen)["drafts"], strict=True):
        if has_double(pairs):
            assert isinstance(draft, Malformed)
            assert isinstance(draft.problem, DuplicateKey)
        else:
            assert not isinstance(draft, Malformed), draft.problem.detail
    plain = read_push(json.dumps(whole).encode())
    assert [digests(push)[n] for n in unrefused(push)] == [digests(plain)[n] for n in unrefused(push)]


def unrefused(push: Push) -> list[int]:
    return [n for n, draft in enumerate(push.drafts) if not isinstance(draft, Malformed)]


def digests(push: Push) -> list[bytes]:
    return [b"" if isinstance(draft, Malformed) else digest_of_draft(draft) for draft in push.drafts]


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-5, 5), TEXTS),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
        max_leaves=12,
    ),
    st.data(),
)
def test_any_json_is_refused_exactly_where_a_key_is_duplicated(value: Any, data: st.DataObject) -> None:
    """`refuse_duplicate_keys` refuses a JSON text exactly if an object in it has a duplicate key (law 17)."""
    doubled = data.draw(st.sets(st.integers(0, max(0, sum(1 for _ in keys_in(value)) - 1)), max_size=1))
    number = count()
    body = spelled(value, data, doubles=lambda: next(number) in doubled).encode()
    if has_double(json.loads(body, object_pairs_hook=Pairs)):
        with pytest.raises(DuplicateKey):
            refuse_duplicate_keys(body)
    else:
        refuse_duplicate_keys(body)


@given(TEXTS.filter(lambda text: not text.endswith("\\")))
@example('"')
@example('\\"')
@example(":")
def test_plain_bodies_need_no_closer_look(text: str) -> None:
    """Law 17: a draft without duplicate keys has as many quotes as its canonical JSON.

    So a body with as many quotes as its canonical JSON needs no check of each key.
    """
    sent = draft_of({"type": "NoteWritten", "child": CHILD, "text": text})
    (draft,) = read_push(body_of(sent)).drafts
    assert bare_quotes(json.dumps(sent).encode()) == bare_quotes(msgspec.json.encode(draft))


@pytest.mark.parametrize(
    "body",
    [
        # The last draft is a text that equals the second sent_at, or a part of it.
        f'{{"sent_at":"{SENT_AT}","drafts":[{{}},"{SENT_AT}"],"sent_at":"{SENT_AT}"}}',
        f'{{"sent_at":"{SENT_AT}","drafts":[1],"sent_at":"{SENT_AT}"}}',
        f'{{"drafts":[1],"drafts":[1],"sent_at":"{SENT_AT}"}}',
        f'{{"drafts":[1],"dra\\u0066ts":[1],"sent_at":"{SENT_AT}"}}',
        f'{{"sent_at":"{SENT_AT}","drafts":["\\\\"],"sent_at":"{SENT_AT}"}}',
        f'{{"sent_at":"{SENT_AT}","sent_at":"{SENT_AT}","drafts":["\\"","\\\\\\""]}}',
    ],
)
def test_nothing_in_a_draft_hides_a_second_envelope(body: str) -> None:
    """Law 17: a duplicate key outside of the drafts is found, whatever texts and quotes are inside of the drafts."""
    with pytest.raises(DuplicateKey) as refused:
        read_push(body.encode())
    assert refused.value.at in ("sent_at", "drafts")


@pytest.mark.parametrize(
    ("doubled", "at"),
    [
        ('"precision":"day","precision":"day"', "drafts[0].precision"),
        (f'"event":{{"type":"Withdrawn","type":"Withdrawn","target":"{ABOUT}"}}', "drafts[0].event.type"),
        (f'"event":{{"type":"Amended","target":"{ABOUT}","changes":{{"note":"a","note":"a"}}}}', "drafts[0].event.changes.note"),
        # The body has as many quotes as its canonical form: the duplicate key adds two, and two others are written as escapes.
        (f'"event":{{"type":"Amended","target":"{ABOUT}","changes":{{"note":"\\u0022\\u0022","again":true,"again":true}}}}',
         "drafts[0].event.changes.again"),
    ],
)  # fmt: skip
def test_a_duplicate_key_stops_its_own_draft_alone(doubled: str, at: str) -> None:
    """Only the draft with the duplicate key is refused, and the refusal names the key (law 17)."""
    name = doubled.partition(":")[0].strip('"')
    draft = draft_of({"type": "Withdrawn", "target": ABOUT})
    del draft[name]
    good = json.dumps(draft_of({"type": "Withdrawn", "target": ABOUT}, number=2))
    bad = json.dumps(draft).removesuffix("}") + "," + doubled + "}"
    first, second = read_push(f'{{"sent_at":"{SENT_AT}","drafts":[{bad},{good}]}}'.encode()).drafts
    assert isinstance(first, Malformed)
    assert isinstance(first.problem, DuplicateKey)
    assert (str(first.id), first.problem.at) == (draft["id"], at)
    assert isinstance(second, Draft)


@pytest.mark.parametrize("depth", range(880, 1_001, 4))
@pytest.mark.parametrize(
    "draft", ['{"a":%s}', '{"id":"0193a3c0-1f2e-7a00-8000-000000000001","a":%s}', "%s"], ids=["object", "with id", "bare"]
)
def test_deep_nesting_is_a_refusal_at_every_depth(depth: int, draft: str) -> None:
    """Law 17: deep nesting is refused, even at the few depths that one of our two JSON parsers accepts and the other refuses."""
    for sent_at in (f'"sent_at":"{SENT_AT}"', f'"sent_at":"{SENT_AT}","sent_at":"{SENT_AT}"'):
        for deep in (depth, depth + 1, depth + 2, depth + 3):
            for inner in ("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep):
                try:
                    push = read_push(f'{{{sent_at},"drafts":[{draft % inner}]}}'.encode())
                except Refused:
                    continue
                assert all(isinstance(one, Malformed) for one in push.drafts)


def test_a_number_of_thousands_of_digits_is_a_refusal() -> None:
    """Law 17: a number that Python refuses to convert to an int is a refusal of the body, and so is very deep nesting."""
    digits = b"1" * 5_000
    with pytest.raises(BodyMalformed):
        read_push(b'{"sent_at":"%b","drafts":[1],"drafts":[%b]}' % (SENT_AT.encode(), digits))
    with pytest.raises(BodyMalformed):
        refuse_duplicate_keys(digits)
    with pytest.raises(BodyTooDeep):
        refuse_duplicate_outer_keys(b"[" * 100_000 + b"]" * 100_000)
