"""Records told as sentences, lines and diagrams: pure functions that never look at a clock, a store or a terminal."""
