"""Recording clients that one generator makes alike: those of OpenAI and Anthropic. What differs is `package.py`."""
