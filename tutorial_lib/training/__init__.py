"""Training: recipes, endless streams of samples, and one loop that survives being killed."""
