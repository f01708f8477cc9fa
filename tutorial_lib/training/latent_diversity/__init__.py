"""Training f and g of Latent Diversity: recipes, simulated interactions, and a task for each."""
