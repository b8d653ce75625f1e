"""For tests of programs that record: takes what is recorded, says what it lacks, and never reaches a journal.

`capture` and what it asserts need no test framework; `plugin.py` gives pytest a fixture of it. What the assertions
need is imported when one is first used, since every program imports this room.
"""

from flightlog.testing.captured import assert_story_matches, assert_trace_matches, capture

__all__ = ["assert_story_matches", "assert_trace_matches", "capture"]
