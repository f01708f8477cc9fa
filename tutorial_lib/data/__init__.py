"""Pictures to click on: sample photos, made-up scenes, and readers for the usual datasets."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
