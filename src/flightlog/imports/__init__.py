"""Documents of other tools in: read, redacted and made lines; this room opens files and never a store."""
