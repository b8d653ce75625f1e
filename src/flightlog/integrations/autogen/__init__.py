"""AutoGen, seen from outside: teams, agents, model calls and tools are spans, with what they were given and gave."""
