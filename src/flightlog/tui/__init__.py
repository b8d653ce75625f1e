"""The explorer: traces in a terminal, live or past; given a home and a way to draw, and never SQL or a printed line."""
