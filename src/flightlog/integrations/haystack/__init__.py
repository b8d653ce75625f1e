"""Haystack, seen through its tracer: pipelines, components, agents, their models and tools are spans."""
