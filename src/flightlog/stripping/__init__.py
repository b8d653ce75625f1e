"""Removes the calls of the hot tier from modules as they are loaded; never from one that is loaded already."""
