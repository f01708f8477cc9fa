"""How f and g of Latent Diversity are trained: recipes, simulated users, tasks."""
