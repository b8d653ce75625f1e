"""Recording the OpenAI Agents SDK from what it tells its tracing processors; nothing goes to its vendor meanwhile."""
