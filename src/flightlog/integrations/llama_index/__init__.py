"""LlamaIndex, seen from outside: what its dispatcher tells of becomes spans, streams until they end."""
