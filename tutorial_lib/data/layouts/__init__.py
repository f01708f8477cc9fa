"""One reader for each way a dataset lies on disk; all give the same kind of example."""
