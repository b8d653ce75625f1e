"""The flight recorder for Python programs, pipelines and LLM agents."""
