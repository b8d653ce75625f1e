"""The terminal: trees, tables and colours; this room takes values and never asks for them."""
