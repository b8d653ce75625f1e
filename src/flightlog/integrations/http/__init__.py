"""HTTP clients, each in a file of its own, over what they share; only headers are added to what they send."""
