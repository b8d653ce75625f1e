"""Runs again: what was recorded is played, or given as answers to a program that runs anew; never recorded here."""
