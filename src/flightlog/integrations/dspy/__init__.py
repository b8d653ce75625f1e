"""DSPy, seen from outside: what its callbacks tell of becomes spans, with the tokens that were really served."""
