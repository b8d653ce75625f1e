"""Lints of a trace: mistakes of agents and pipelines that the records alone give away; a model is never asked."""
