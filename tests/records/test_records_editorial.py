"""The editorial rules: each finds what it names, says by how much, and leaves good sentences alone."""

from __future__ import annotations

import pytest

from flightlog.records.editorial import MOST_A_REQUEST, RULES, findings, letters, too_many


def rules(level: str, human: str, cute: str = "", story: str = "", *, is_done: bool = False) -> list[str]:
    """Names of the rules that a narration misses."""
    found = [one.rule for one in findings(level, human, cute, story, is_done=is_done)]
    assert set(found) <= set(RULES)
    return found


@pytest.mark.parametrize(
    ("level", "limit"),
    [("trace", 100), ("debug", 100), ("info", 100), ("warn", 120), ("error", 150), ("fatal", 150)],
)
def test_the_plain_sentence_has_a_limit_that_grows_with_the_level(level: str, limit: int) -> None:
    assert rules(level, "a" * limit) == []
    (found,) = findings(level, "a" * (limit + 7))
    assert found.rule == "human-length"
    assert f"{limit + 7} characters, 7 more than {limit} at level {level}" in found.text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("job-1", 5),
        ("é", 1),
        ("e\u0301", 1),
        ("日本", 2),
        ("👍🏽", 1),
        ("👩\u200d👩\u200d👧", 1),
        ("❤\ufe0f", 1),
        ("🇩🇪🇫🇷", 2),
        ("\u200d", 0),
    ],
)
def test_a_length_is_counted_in_letters_as_people_see_them(text: str, count: int) -> None:
    assert letters(text) == count


def test_what_is_fine_has_no_finding() -> None:
    cute = "🚚 Off it goes, job-1!"
    story = "“Who takes job-1?” asked the queue. “I do”, said worker 2."
    assert findings("info", "Dispatched job-1 to worker 2", cute, story, is_done=True) == []
    assert findings("info", "", "", "") == []


@pytest.mark.parametrize("text", ["…", "42", "-> 3", "???"])
def test_a_sentence_without_letters_says_nothing(text: str) -> None:
    assert "human-unfinished" in rules("info", text)


@pytest.mark.parametrize("text", ["Dispatched job to ", "Dispatched job:", "Took job-1 from ("])
def test_a_sentence_that_stops_at_a_joining_sign_lost_its_value(text: str) -> None:
    assert rules("info", text) == ["human-unfinished"]


@pytest.mark.parametrize(
    "text",
    [
        "Will dispatch job-1",
        "Worker will retry",
        "We'll try again",
        "Going to stop",
        "I\u2019ll be back",
        "The worker will send it",
        "Every second page will be fetched",
        "Worker w-3 will retry in 5 s",
        "The queue is about to overflow",
        "It's about to stop",
        "We're going to retry",
    ],
)
def test_a_sentence_that_tells_the_future_is_found(text: str) -> None:
    assert rules("info", text) == ["human-tense"]


@pytest.mark.parametrize(
    "text",
    [
        "Will Smith logged in",
        "Found what will match",
        "Willing peers: 3",
        "Goodwill",
        "The page that will match was found",
        "Asked the worker what it will do",
        "The output went to what it is about",
    ],
)
def test_a_name_or_a_later_will_is_no_future(text: str) -> None:
    assert rules("info", text) == []


def test_work_in_progress_may_be_told_until_it_is_over() -> None:
    assert rules("info", "Dispatching job-1") == []
    assert rules("info", "Dispatching job-1", is_done=True) == ["human-tense"]


@pytest.mark.parametrize(
    "text", ["Nothing found", "Indexing finished in 2 s", "String is empty", "Bring the key"]
)
def test_a_noun_in_ing_is_not_taken_for_work_in_progress(text: str) -> None:
    assert rules("info", text, is_done=True) == []


def test_the_cute_sentence_is_short_and_has_an_emoji() -> None:
    assert rules("info", "Done", "No wink here") == ["cute-emoji"]
    assert rules("info", "Done", "🎉" + "a" * 149) == []
    assert rules("info", "Done", "🎉" + "a" * 150) == ["cute-length"]


@pytest.mark.parametrize(
    "story",
    [
        '"Go", said the queue.',
        "«Va!»",
        "「行け」と言った",
        "'Go', said the queue",
        "„Los!“ rief sie",
        "\u2018Go\u2019",
    ],
)
def test_a_story_with_dialogue_in_any_quotation_marks_is_fine(story: str) -> None:
    assert rules("info", "Done", "", story) == []


@pytest.mark.parametrize(
    "story", ["The queue was glad.", "The workers' queue isn't empty", 'A "" B', "5' 3'"]
)
def test_a_story_in_which_nobody_speaks_is_found(story: str) -> None:
    assert rules("info", "Done", "", story) == ["story-dialogue"]


def test_a_story_is_at_most_200_letters_long() -> None:
    assert rules("info", "Done", "", '"' + "a" * 198 + '"') == []
    assert rules("info", "Done", "", '"' + "a" * 199 + '"') == ["story-length"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_secret_in_any_voice_is_found_once(place: int) -> None:
    texts = ["Done", "🎉 Done", '"Done", it said']
    texts[place] += ", with [REDACTED]"
    assert rules("info", *texts) == ["secret"]


def test_a_request_has_at_most_100_narrations() -> None:
    assert too_many(MOST_A_REQUEST) is None
    found = too_many(MOST_A_REQUEST + 3)
    assert found is not None
    assert found.rule == "too-many"
    assert "103 narrations in one request, 3 more than 100" in found.text


def test_hostile_texts_are_read_in_linear_time_and_found_wanting() -> None:
    for text in ("\u2018" * 200_000, '"' * 200_000, "\u200d" * 200_000, "🇩" * 200_001):
        assert findings("info", text, text, text)
