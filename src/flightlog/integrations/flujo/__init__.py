"""Records the runner of flujo: each run, each step wherever it stands, each event of its trace contract."""
