"""CrewAI, seen on its event bus: crews, flows, tasks, agents, model calls, tools, memory and guardrails are spans."""
