"""Latent Diversity (Li et al., CVPR 2018): f proposes, g selects, and the user corrects."""
