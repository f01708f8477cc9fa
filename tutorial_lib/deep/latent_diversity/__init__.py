"""Latent Diversity (Li et al., CVPR 2018): f proposes, g selects, and the user corrects."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
