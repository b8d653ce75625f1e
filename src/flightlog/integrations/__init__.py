"""Other people's libraries, taught to carry the current span; this room never changes what they return."""
