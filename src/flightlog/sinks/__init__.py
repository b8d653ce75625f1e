"""Lines out: each sink takes finished lines somewhere, with its own cursor; sinks never know each other."""
