"""One reader for each layout on disk. All readers return the same kind of example."""
