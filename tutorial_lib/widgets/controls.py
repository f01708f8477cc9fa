"""Make controls from abbreviations: ``(low, high, step)`` is a slider, a list a dropdown."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import ipywidgets as ipw
import numpy as np
from traitlets import TraitError

Control: TypeAlias = "ipw.ValueWidget | tuple[float, float, float] | list[Any]"


def make_control(name: str, control: Control, default: Any) -> ipw.ValueWidget:
    """Make a control with a name and a tooltip from an abbreviation."""
    if isinstance(control, ipw.ValueWidget):
        made = control
    elif isinstance(control, tuple) and len(control) == 3:
        made = _slider(name, control, default)
    elif isinstance(control, list) and control:
        made = ipw.Dropdown(options=control, value=default if default in control else control[0])
    else:
        raise TypeError(
            f"The control {name} is (low, high, step), a list of options or an ipywidgets "
            f"control, not {control!r}."
        )
    made.description = made.description or name.replace("_", " ")
    made.style.description_width = "initial"
    made.tooltip = made.tooltip or f"{made.description}: drag, or use the arrow keys"
    return made


def _slider(name: str, limits: tuple[float, float, float], default: Any) -> ipw.ValueWidget:
    low, high, step = limits
    if not (low < high and step > 0):
        raise ValueError(f"The slider {name} needs low < high and a step above 0, not {limits}.")
    whole = all(isinstance(limit, (int, np.integer)) for limit in limits)
    middle = low + step * round((high - low) / 2 / step)
    value = default if isinstance(default, (int, float)) and low <= default <= high else middle
    kind = ipw.IntSlider if whole else ipw.FloatSlider
    layout = ipw.Layout(width="min(32em, 98%)")
    return kind(value=value, min=low, max=high, step=step, continuous_update=False, layout=layout)


def default_of(draw: Callable[..., Any], name: str) -> Any:
    """Return the default value of a function's argument, or None."""
    parameter = inspect.signature(draw).parameters.get(name)
    return None if parameter is None else parameter.default


def assign(name: str, control: ipw.ValueWidget, value: Any) -> None:
    """Set a control, and refuse a value that the control would clip or round."""
    try:
        control.value = value
        taken = bool(np.all(control.value == value))
    except TraitError:
        taken = False
    if not taken:
        if hasattr(control, "options"):
            accepted = f"one of {', '.join(map(str, control.options))}"
        elif hasattr(control, "min"):
            accepted = f"a value from {short(control.min)} to {short(control.max)}"
        else:
            accepted = "another kind of value"
        raise ValueError(f"The control {name} takes {accepted}, not {value!r}.")


def nearest(slider: ipw.ValueWidget, value: float) -> float:
    """Return the value nearest to another one that a slider can take."""
    step = slider.min + slider.step * round((value - slider.min) / slider.step)
    return min(max(step, slider.min), slider.max)


def short(value: Any) -> str:
    """Write a value briefly: 0.3, not 0.30000000000000004."""
    return f"{value:g}" if isinstance(value, float) else repr(value)
