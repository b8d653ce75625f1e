"""A span that waits for somebody: how it stands meanwhile, how long it waited, and how it goes on."""

from __future__ import annotations

import threading

import pytest

import flightlog as fl
from flightlog.analysis.waiting import waited_ns, worked_ns
from flightlog.codecs.lines import decode
from flightlog.records.errors import BadQuestion, NotPaused, UnknownId
from flightlog.records.kinds import RANKS
from flightlog.records.span import Span


def lines_of(seen, name):
    """Every line of the spans of this name, in the order written."""
    return [record for record in seen.records if isinstance(record, Span) and record.name == name]


def standing(seen, name):
    """The line that wins among those of one span."""
    return max(lines_of(seen, name), key=lambda line: (RANKS[line.status], line.revision, line.end or 0))


def told(seen):
    return [(event.name, event.attributes) for event in seen.events]


def test_a_span_that_pauses_stands_as_paused_and_runs_again_when_it_is_resumed(seen):
    with fl.span("job") as s:
        s.pause("approve?")
        s.resume("yes")
    statuses = [line.status for line in lines_of(seen, "job")]
    assert statuses == ["running", "paused", "running", "ok"]
    revisions = [line.revision for line in lines_of(seen, "job")]
    assert revisions == sorted(revisions)
    assert len(set(revisions[:3])) == 3, "which of the open ones is the last is for the revision to say"
    assert told(seen) == [("pause", {"message": "approve?"}), ("resume", {"value": "yes"})]
    assert {event.span_id for event in seen.events} == {s.span_id}


def test_waiting_is_kept_apart_from_working(seen):
    with fl.span("job") as s:
        for _ in range(2):
            s.pause()
            with fl.span("meanwhile"):
                pass
            s.resume()
    span = seen.span("job")
    first, answered, second, again = (event.time for event in seen.events)
    meanwhile = sum(line.duration_ns for line in seen.spans if line.name == "meanwhile")
    assert meanwhile <= waited_ns(span) <= answered - first + again - second
    assert span.attributes["flightlog.waiting_ns"] == waited_ns(span) < span.duration_ns
    assert waited_ns(span) + worked_ns(span) == span.duration_ns
    assert "flightlog.waiting_since" not in span.attributes


def test_a_span_that_waits_says_since_when(seen):
    with fl.span("job") as s:
        s.pause()
        paused = lines_of(seen, "job")[-1]
        since = paused.attributes["flightlog.waiting_since"]
        assert paused.start <= since
        assert (waited_ns(paused), worked_ns(paused)) == (0, None)
        assert waited_ns(paused, now=since + 7) == 7
        assert worked_ns(paused, now=since + 7) == since - paused.start


def test_a_span_that_never_paused_worked_all_the_time(seen):
    with fl.span("job"):
        pass
    span = seen.span("job")
    assert (waited_ns(span), worked_ns(span)) == (0, span.duration_ns)
    assert span.revision == 0


def test_a_second_pause_says_what_else_it_waits_for_and_one_answer_ends_both(seen):
    with fl.span("job") as s:
        assert s.pause("first") == s.pause("second")
        since = {line.attributes.get("flightlog.waiting_since") for line in lines_of(seen, "job")[1:]}
        s.resume()
    assert len(since) == 1
    assert [name for name, _ in told(seen)] == ["pause", "pause", "resume"]
    assert seen.span("job").status == "ok"


def test_an_answer_that_nobody_waits_for_is_none(seen):
    with fl.span("job") as s:
        s.resume("what?")
        s.pause()
        s.resume()
        s.resume("again")
    assert [name for name, _ in told(seen)] == ["pause", "resume"]
    assert told(seen)[1] == ("resume", {})


def test_leaving_the_block_does_not_end_a_span_that_waits(seen):
    with fl.span("around") as around:
        with fl.span("job") as s:
            s.pause("approve?")
            s.set(ticket=42)
        assert s.ended
        assert fl.current() is around
    last = lines_of(seen, "job")[-1]
    assert (last.status, last.end, last.attributes["ticket"]) == ("paused", None, 42)
    assert seen.span("around").status == "ok"


def test_an_exception_that_leaves_the_block_does_not_end_a_span_that_waits(seen):
    with pytest.raises(LookupError), fl.span("job") as s:
        s.pause()
        raise LookupError("the framework's own way to stop here")
    last = lines_of(seen, "job")[-1]
    assert (last.status, last.error) == ("paused", None)


def test_the_line_of_a_block_that_was_left_does_not_outrank_a_resumption_elsewhere(seen):
    with fl.span("job") as s:
        token = s.pause()
        with fl.resume(token):
            running = max(line.revision for line in lines_of(seen, "job") if line.status == "running")
    left = [line for line in lines_of(seen, "job") if line.status == "paused"][-1]
    assert left.revision < running
    assert len([line for line in lines_of(seen, "job") if line.end is not None]) == 1


def test_a_span_that_fails_waits_no_longer(seen):
    with fl.span("job") as s:
        s.pause("approve?")
        s.fail("nobody answered", type="timeout")
    span = seen.span("job")
    assert (span.status, span.error.type) == ("error", "timeout")
    assert span.attributes["flightlog.waiting_ns"] > 0


def test_an_answer_may_come_from_another_thread(seen):
    with fl.span("job") as s:
        s.pause()
        thread = threading.Thread(target=s.resume, args=("yes",))
        thread.start()
        thread.join()
    assert seen.span("job").status == "ok"
    assert told(seen)[-1] == ("resume", {"value": "yes"})


def test_a_span_that_did_not_begin_or_has_ended_cannot_pause(seen):
    early = fl.span("early")
    assert early.pause() == ""
    with fl.span("job") as s:
        pass
    assert s.pause() == ""
    s.resume()
    assert seen.events == []
    assert [line.status for line in lines_of(seen, "job")] == ["ok"]


# -- going on by its token ----------------------------------------------------------------------------------------


def test_a_paused_span_goes_on_with_everything_it_had(seen):
    with (
        fl.span("root"),
        fl.session("s-1"),
        fl.turn(2),
        fl.span("job", kind="workflow", level="warn", input={"order": 7}, links=[fl.current()], x=1) as s,
    ):
        s.output = "draft"
        token = s.pause("approve?")
    with fl.span("handler") as handler:
        with fl.resume(token, value="yes") as again:
            assert fl.current() is again
            again.set(y=2)
            with fl.span("child"):
                pass
            fl.event("inside")
        assert fl.current() is handler
    first, span = lines_of(seen, "job")[0], seen.spans[-2]
    assert (span.trace_id, span.span_id, span.parent_id) == (first.trace_id, s.span_id, first.parent_id)
    assert (span.name, span.kind, span.level, span.start) == ("job", "workflow", "warn", first.start)
    assert (span.input, span.output, span.links) == ({"order": 7}, "draft", first.links)
    assert (span.status, span.context) == ("ok", {"session": "s-1", "turn": 2})
    assert span.attributes.keys() == {"x", "y", "flightlog.waiting_ns"}
    assert span.attributes["flightlog.waiting_ns"] < span.duration_ns
    child, inside = seen.span("child"), seen.events[-1]
    assert (child.parent_id, child.trace_id) == (span.span_id, span.trace_id)
    assert child.context == inside.context == span.context
    assert inside.span_id == span.span_id
    assert seen.span("handler").context == {}


def test_a_token_is_safe_in_a_url_and_a_database(seen):
    with fl.span("job") as s:
        token = s.pause()
    assert token.isascii()
    assert token.replace("-", "").isalnum()
    assert len(token) < 64


@pytest.mark.parametrize(
    "ref",
    [
        lambda s: s,
        lambda s: (s.trace_id, s.span_id),
        lambda s: {"trace_id": s.trace_id, "span_id": s.span_id},
    ],
    ids=["a span", "a pair", "a mapping"],
)
def test_a_span_can_be_named_by_its_ids(seen, ref):
    with fl.span("job") as s:
        s.pause()
    with fl.resume(ref(s)):
        pass
    assert seen.span("job").status == "ok"


def test_a_span_that_goes_on_ends_with_what_leaves_its_block(seen):
    with fl.span("job") as s:
        token = s.pause()
    with pytest.raises(ValueError, match="no"), fl.resume(token, "no"):
        raise ValueError("no")
    last = lines_of(seen, "job")[-1]
    assert (last.status, last.error.type) == ("error", "ValueError")


def test_a_span_may_pause_and_go_on_many_times(seen):
    with fl.span("job") as s:
        token = s.pause()
    for number in range(5):
        with fl.resume(token, number) as again:
            assert again.pause() == token
    with fl.resume(token, "last"):
        pass
    assert standing(seen, "job").status == "ok"
    answers = [attributes["value"] for name, attributes in told(seen) if name == "resume"]
    assert answers == [0, 1, 2, 3, 4, "last"]
    pauses = sum(name == "pause" for name, _ in told(seen))
    assert pauses == 6


def test_a_span_that_has_ended_cannot_be_resumed_again(seen):
    with fl.span("job") as s:
        token = s.pause()
    with fl.resume(token), pytest.raises(NotPaused, match="was resumed already"):
        fl.resume(token)
    with pytest.raises(NotPaused, match=r"'job'.*has ended"):
        fl.resume(token)


def test_of_two_that_would_resume_a_span_only_the_first_to_begin_may(seen):
    with fl.span("job") as s:
        token = s.pause()
    early, late, later = fl.resume(token, 1), fl.resume(token, 2), fl.resume(token, 3)
    with late:
        with pytest.raises(NotPaused, match="was resumed already"):
            early.__enter__()
        assert fl.current() is late
    with pytest.raises(NotPaused, match=r"'job'.*has ended \(ok\)"), later:
        pytest.fail("it has ended")
    assert not fl.current()
    assert [attributes["value"] for name, attributes in told(seen) if name == "resume"] == [2]
    assert standing(seen, "job").status == "ok"


def test_each_pause_can_be_answered_by_whoever_is_first(seen):
    with fl.span("job") as s:
        token = s.pause()
    kept = []
    for number in range(3):
        kept += [fl.resume(token, number), fl.resume(token, number)]
        with kept[-1] as again:
            again.pause()
    answers = [attributes["value"] for name, attributes in told(seen) if name == "resume"]
    assert answers == [0, 1, 2]
    with pytest.raises(NotPaused):
        kept[0].__enter__()


def test_a_span_that_never_paused_cannot_be_resumed(seen):
    with fl.span("job") as s:
        pass
    with pytest.raises(NotPaused):
        fl.resume(s)


@pytest.mark.parametrize(
    "ref", ["x", "@latest", None, 7, ("a", "b"), "00-" + "1" * 32 + "-" + "2" * 16 + "-03"]
)
def test_what_names_no_span_is_unknown(seen, ref):
    with pytest.raises(UnknownId) as failure:
        fl.resume(ref)
    assert isinstance(failure.value, BadQuestion)
    assert str(ref) in str(failure.value)


def test_the_token_of_a_span_whose_level_is_off_resumes_nothing():
    with fl.capture(level="info") as captured:
        with fl.span("job", level="debug") as s:
            token = s.pause("?")
            s.resume()
        with fl.resume(token) as again, fl.span("work"):
            assert not again.recorded
    assert [(span.name, span.parent_id) for span in captured.spans] == [("work", "")]


def test_a_span_that_goes_on_in_a_task_and_is_left_elsewhere_leaves_no_trace_of_itself(seen):
    with fl.span("job") as s:
        token = s.pause()
    again = fl.resume(token)
    again.__enter__()
    thread = threading.Thread(target=again.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    with fl.span("after"):
        pass
    assert lines_of(seen, "job")[-1].status == "ok"
    assert seen.span("after").parent_id == ""
    assert seen.span("after").context == {}


def test_every_line_of_a_span_that_paused_can_be_read_back():
    lines = []
    with fl.capture() as captured:
        with fl.span("job", note="ä\n\u2028") as s:
            token = s.pause("wait\x1e\x00")
        with fl.resume(token, {"a": [1]}):
            pass
        lines = list(captured._lines)
    assert all(isinstance(decode(line[1:-1]), object) and line.count(b"\x1e") == 1 for line in lines)
