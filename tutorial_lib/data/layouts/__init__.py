"""One reader for each layout on disk; all return the same kind of example."""
