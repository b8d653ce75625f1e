"""What keeps a home tidy: traces that leave, room that goes back; it never decides what is worth keeping by itself."""
