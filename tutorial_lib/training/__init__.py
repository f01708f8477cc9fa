"""Train the networks: recipes, a loop that can be interrupted, and tasks of your own.

>>> from tutorial_lib.training import train
>>> result = train("dos-toy", "runs/toy", minutes=1)    # doctest: +SKIP
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
