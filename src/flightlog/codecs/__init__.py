"""Record ↔ bytes: pure translation in both directions; this room never opens a file and never redacts."""
