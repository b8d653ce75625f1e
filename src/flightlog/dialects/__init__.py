"""Other conventions read into ours: attributes in, facts of a model's call out; pure, and never a file or a clock."""
