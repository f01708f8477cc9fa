"""Photos to segment: sample photos, synthetic scenes, and readers for the common datasets."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
