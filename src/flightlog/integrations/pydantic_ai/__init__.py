"""Pydantic AI: its own spans of agents, models and tools, told to Flightlog."""
