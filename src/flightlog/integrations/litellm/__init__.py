"""Recording LiteLLM: its calls of models, whoever serves them, and what its routers do."""
