"""The figures of the notebooks, in one visual style (see :mod:`tutorial_lib.render`)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
