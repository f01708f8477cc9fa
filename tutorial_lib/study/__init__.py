"""A user study that a class runs itself: the plan, the people at work, the logs, the report."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
