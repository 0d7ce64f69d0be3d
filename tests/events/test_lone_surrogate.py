"""Tests that a JSON list is split into the bytes of its elements, and that other bytes are refused."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import BodyMalformed, FieldInvalid, Refused
from events.lone_surrogate import TOKENS_MAX, elements, fields, without_drafts
from tests.events.spelling import WHITE_SPACE

TEXTS = st.text('"\\:,{}[] aé🎉\n\ud83c', max_size=6)
"""Texts that contain the punctuation of JSON and lone surrogates."""
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
INDENTS = st.sampled_from([None, 0, 1])


@settings(max_examples=100, deadline=None)
@given(values=st.lists(VALUES, max_size=4), indent=INDENTS, before=WHITE_SPACE, after=WHITE_SPACE)
def test_each_element_is_what_it_was(values: list[Any], indent: int | None, before: str, after: str) -> None:
    """Each element of a list is found whole, despite white space, escapes and brackets inside of texts (law 17)."""
    body = (before + json.dumps(values, indent=indent) + after).encode()
    assert [json.loads(element) for element in elements(body)] == values


@settings(max_examples=100, deadline=None)
@given(value=st.dictionaries(TEXTS, VALUES, max_size=4), indent=INDENTS)
def test_each_field_is_what_it_was(value: dict[str, Any], indent: int | None) -> None:
    assert {key: json.loads(raw) for key, raw in fields(json.dumps(value, indent=indent).encode()).items()} == value


@settings(max_examples=200, deadline=None)
@given(body=st.text('[]{}",:\\a0', max_size=30).map(str.encode))
def test_what_is_no_json_is_refused_or_split_without_a_byte_lost(body: bytes) -> None:
    """Bytes that are no JSON list are either refused, or split into parts that together have all bytes (law 17)."""
    assert isinstance(fields(body), dict)
    with suppress(Refused):
        without_drafts(body)
    try:
        found = list(elements(body))
    except BodyMalformed:
        return
    assert b"[" + b",".join(found) + b"]" == body


NO_LISTS = (b"", b"[", b"]", b'["]', b"[1}]]", b"[]]", b"[] 1", b"[}", b"[1}", b"{}", b'"[]"', b"[" + b"[1]," * TOKENS_MAX)


@pytest.mark.parametrize("body", NO_LISTS, ids=lambda body: body[:5].decode() or "nothing")
def test_a_list_whose_end_cannot_be_found_is_none(body: bytes) -> None:
    with pytest.raises(BodyMalformed):
        list(elements(body))


def test_depth_costs_no_more_than_length() -> None:
    """Law 17: a megabyte of nested brackets is split within 5 seconds, a limit for a busy machine, and without recursion."""
    begun = time.perf_counter()
    deep = b"[" * 500_000 + b"]" * 500_000
    assert list(elements(b"[" + deep + b",1]")) == [deep, b"1"]
    assert time.perf_counter() - begun < 5


def test_a_push_is_split_around_its_drafts() -> None:
    outer, drafts = without_drafts(b'{"a":[1], "drafts" : [ {"x":"]"} ,[2]], "b":{}}')
    assert (outer, drafts) == (b'{"a":[1], "drafts" : [], "b":{}}', [b'{"x":"]"}', b"[2]"])
    for body, at in ((b"[]", None), (b'{"drafts":{}}', "drafts"), (b"{}", "drafts")):
        with pytest.raises(FieldInvalid) as refused:
            without_drafts(body)
        assert refused.value.at == at
