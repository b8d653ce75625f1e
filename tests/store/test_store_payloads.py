"""Payloads: addressing and packing."""

from __future__ import annotations

import json
from hashlib import blake2b
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.records.errors import StoreError
from flightlog.store import payloads

DICTIONARY_HASH = "cd6b920803e7245beea83e28722ee2c7"


def test_the_dictionary_of_a_release_never_changes() -> None:
    """Every packed payload needs the very bytes that it was packed with."""
    text = files("flightlog.store").joinpath("payload_dictionary.txt").read_bytes()
    assert blake2b(text, digest_size=16).hexdigest() == DICTIONARY_HASH


@given(st.lists(st.binary(max_size=5000), max_size=8))
def test_what_was_packed_is_unpacked(values: list[bytes]) -> None:
    assert [payloads.unpack(frame) for frame in payloads.pack(values)] == values


def test_values_packed_one_by_one_are_unpacked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another build of zstandard has no call for many values."""

    class OneByOne:
        compress = staticmethod(payloads._compressor(b"").compress)

    values = [b"", b"x" * 900]
    monkeypatch.setattr(payloads._mine, "compressor", lambda _: OneByOne())
    assert [payloads.unpack(frame) for frame in payloads.pack(values)] == values


@given(st.binary(max_size=9000), st.sampled_from([8, 16]))
def test_a_digest_in_slices_is_the_digest(data: bytes, size: int) -> None:
    assert payloads.digest(data, size) == blake2b(data, digest_size=size).digest()


@given(st.lists(st.binary(max_size=5000), max_size=5), st.sampled_from([8, 16]))
def test_digests_of_many_are_the_digest_of_each(values: list[bytes], size: int) -> None:
    assert list(payloads.digests(values, size)) == [payloads.digest(value, size) for value in values]


def test_a_chat_of_half_a_kilobyte_packs_to_less_than_half() -> None:
    chat = {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant for the staff of a small library."},
            {
                "role": "user",
                "content": "Which of our books about bees may a school class of nine year olds borrow?",
            },
            {
                "role": "assistant",
                "content": "There are three of them, all on the lower shelf next to the door.",
            },
        ],
        "model": "gpt-4.1-mini",
        "temperature": 0.2,
        "max_tokens": 512,
        "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
    }
    data = json.dumps(chat, separators=(",", ":")).encode()
    assert 400 < len(data) < 600
    assert len(payloads.pack([data])[0]) < len(data) / 2


@pytest.mark.parametrize("frame", [b"", b"garbage", payloads.pack([b"x" * 600])[0][:-3]])
def test_a_damaged_payload_is_an_error_of_the_store(frame: bytes) -> None:
    with pytest.raises(StoreError):
        payloads.unpack(frame)


def test_a_payload_of_an_unknown_dictionary_is_an_error_of_the_store() -> None:
    with pytest.raises(StoreError, match="dictionary 99"):
        payloads.unpack(payloads.pack([b"x"])[0], 99)
