"""Anthropic's Claude Agent SDK, seen at its pipe to the `claude` program: turns, model calls, tools and subagents."""
