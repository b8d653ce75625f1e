"""The `mistralai` package, seen from outside: this folder records its calls and never changes what they return."""
