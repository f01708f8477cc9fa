"""The course: checks of exercises, student notebooks, quizzes, handing in and grading."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
