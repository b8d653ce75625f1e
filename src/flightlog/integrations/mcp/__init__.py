"""The Model Context Protocol, seen from both ends: what a client asks, and what a server does about it."""
