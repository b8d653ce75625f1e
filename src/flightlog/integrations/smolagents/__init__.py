"""smolagents, seen from outside: runs of agents, their steps, plans, model calls and tools are spans."""
