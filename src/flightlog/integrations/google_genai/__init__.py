"""The `google-genai` package, seen from outside: this folder records its calls and never changes what they return."""
