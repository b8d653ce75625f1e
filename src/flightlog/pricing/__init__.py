"""Tokens → money: prices, names of models, exact arithmetic; reads the prices that come with it, and never guesses."""
