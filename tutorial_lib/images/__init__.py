"""Any picture becomes one thing: an (H, W, 3) uint8 RGB array."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
