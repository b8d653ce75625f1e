"""The language in which spans and traces are asked for: text to question and back; never a store, never a clock."""
