"""Documents out: records as text in some format; this room never asks a question."""
