"""Interactive image segmentation, from a minimum cut by hand to latent diversity.

The names a learner needs. Everything heavier is loaded when it is first used.
"""

import lazy_loader as lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

__all__ += ["__version__"]
