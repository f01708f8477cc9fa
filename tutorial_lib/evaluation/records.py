"""The rules that all result files share: how a record is declared, checked, read and written.

Each kind of file declares its records once, as frozen pydantic models. Reading, writing and
checking follow from that declaration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tutorial_lib.metrics import THRESHOLDS
from tutorial_lib.paths import write_atomically

#: How every record is declared: no conversion of types, no unknown key, no infinity, no change.
RECORD = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


def has_thresholds(values: dict[str, Any]) -> dict[str, Any]:
    """Refuse a mapping without a value for each IoU threshold.

    Raises
    ------
    ValueError
        If one is missing.
    """
    if missing := [str(percent) for percent in THRESHOLDS if str(percent) not in values]:
        raise ValueError(f"no value for the IoU threshold {missing[0]}")
    return values


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("an empty text")
    return text


NonNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[int | float, Field(ge=0)]  # a whole number stays one
#: Not as ``min_length``: pydantic then refuses file names that are not valid Unicode.
Sentence = Annotated[str, AfterValidator(_not_empty)]
#: The mean number of clicks to each IoU threshold in per cent, such as ``{"85": 7.4, "90": 8.9}``.
NoC = Annotated[dict[str, Annotated[float, Field(ge=1)]], AfterValidator(has_thresholds)]
_Item = TypeVar("_Item")
_Kind = TypeVar("_Kind", bound=BaseModel)
#: Items in a row, which JSON has as an array.
Series = Annotated[tuple[_Item, ...], Field(strict=False)]
NonEmpty = Annotated[Series[_Item], Field(min_length=1)]
#: Row, column, and whether the click is positive.
RecordedClick = Annotated[tuple[NonNegative, NonNegative, bool], Field(strict=False)]


def read_record(path: str | Path, kind: type[_Kind], remedy: str) -> _Kind:
    """Read a result file.

    Parameters
    ----------
    path : str or Path
        JSON file.
    kind : type
        The record that the file holds.
    remedy : str
        Half a sentence that says what writes such a file.

    Returns
    -------
    BaseModel
        A record of that kind.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds something else. The message names the first wrong place.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no results file {path}; {remedy}.")
    try:
        return kind.model_validate(json.loads(path.read_bytes()))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = " ".join(first["msg"].removeprefix("Value error, ").split())[:300].rstrip(".")
        place = ".".join(map(str, first["loc"])) or "the top"
        raise ValueError(f"{path} holds no results at {place}: {reason}.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None


def to_plain(record: BaseModel) -> dict[str, Any]:
    """Turn a record into plain dictionaries and tuples, ready for JSON.

    Returns
    -------
    dict
        Only the keys that were given: an old file without a newer key is written as it was.
    """
    return record.model_dump(by_alias=True, exclude_unset=True)


def write_record(
    record: BaseModel, path: Path, to_text: Callable[[dict[str, Any]], str] | None = None
) -> None:
    """Write a result file: the whole file, or nothing.

    Parameters
    ----------
    record : BaseModel
        What the file will hold.
    path : Path
        The file. Its folder is made if there is none.
    to_text : callable, optional
        Turns the plain record into JSON. By default keys are sorted and lines indented.

    Raises
    ------
    OSError
        If the file cannot be written. An earlier file then stays as it was.
    """
    text = (to_text or _sorted)(to_plain(record))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    except OSError as error:
        raise OSError(f"The results {path} cannot be written: {error.strerror}.") from error


def indented(plain: dict[str, Any]) -> str:
    """Return a plain record as JSON with indented lines."""
    return json.dumps(plain, indent=1) + "\n"


def _sorted(plain: dict[str, Any]) -> str:
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def single_sentence(text: str) -> str:
    """Make one sentence of any text: a single line, one full stop at its end, not very long."""
    line = re.sub(r"\.\s+(?=[A-Z])", "; ", " ".join(text.split())).rstrip(". ")
    return f"{line if len(line) <= 500 else line[:500] + ' ...'}."
