"""Pictures to click on: sample photos, made-up scenes, and readers for the usual datasets."""
