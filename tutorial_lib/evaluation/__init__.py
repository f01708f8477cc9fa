"""Methods measured on datasets: accuracy, speed, and the papers' own figures."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
