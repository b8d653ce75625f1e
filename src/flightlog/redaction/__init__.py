"""What is secret, and what stands in its place; this room never sees a whole record and never writes."""
