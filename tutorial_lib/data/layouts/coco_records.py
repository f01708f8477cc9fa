"""The records of a COCO annotation file. Each one is checked, and only invalid ones are dropped."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from tutorial_lib.data.layouts.run_lengths import check_mask_size

Identity: TypeAlias = "int | str"
_LISTS = ("images", "annotations", "categories")


class Records:
    """Images, annotations and categories that fit together.

    Parameters
    ----------
    path : Path
        A JSON file.
    broken : dict
        Receives the names of invalid records, with a sentence about each one.

    Attributes
    ----------
    annotations : list of dict
        Sorted by id. Ids are numbers or strings. Photo and category of each one are known.
    categories : dict
        The name of each category, by id.
    first_photo : str
        The name of the first photo that has a name. "" if there is none.

    Raises
    ------
    ValueError
        If the file is not a COCO annotation file.
    """

    def __init__(self, path: Path, broken: dict[str, str]) -> None:
        self.path, self._broken = path, broken
        content = _read(path)
        self._images = self._by_id("images", content["images"])
        names = self._by_id("categories", content["categories"])
        self.categories = {key: record.get("name") for key, record in names.items()}
        self.first_photo = next(
            (i["file_name"] for i in self._images.values() if _is_inside(i.get("file_name"))), ""
        )
        found = self._by_id("annotations", content["annotations"])
        self.annotations = [
            found[key] for key in sorted(found, key=in_order) if self._fits(found[key])
        ]

    def key(self, annotation: dict) -> str:
        """Return the id of an object in its dataset: the photo's name and the annotation's id."""
        name = self._images.get(annotation["image_id"], {}).get("file_name")
        stem = Path(name).stem if isinstance(name, str) else "unknown"
        return f"{stem}-{annotation['id']}"

    @property
    def photo_ids(self) -> list[Identity]:
        """The ids of all photos, in the order of their file names."""
        return sorted(
            self._images, key=lambda i: (str(self._images[i].get("file_name")), in_order(i))
        )

    def photo(self, image: Identity) -> tuple[str, tuple[int, int]]:
        """Return a photo's file name and its size.

        Parameters
        ----------
        image : int or str
            The photo's id.

        Returns
        -------
        name : str
            A path below the folder of photos.
        size : tuple of int
            ``(H, W)``.

        Raises
        ------
        ValueError
            If the name or the size is invalid. The message names the file and the photo.
        """
        record = self._images[image]
        if not _is_inside(name := record.get("file_name")):
            raise ValueError(
                f"The image {image} in {self.path} has the file name {_short(name)}, which is no "
                "path inside the folder of photos."
            )
        try:
            return name, check_mask_size(record.get("height"), record.get("width"))
        except ValueError as error:
            raise ValueError(f"The image {image} in {self.path} is of no use: {error}.") from error

    def _by_id(self, kind: str, listed: list[Any]) -> dict[Identity, dict]:
        """Return the records of one kind that have a unique id."""
        found: dict[Identity, dict] = {}
        counted: Counter[Identity] = Counter()
        for number, record in enumerate(listed):
            name, where = f"{kind}[{number}]", f"The entry {kind}[{number}] in {self.path}"
            if not isinstance(record, dict):
                self._broken[name] = f"{where} is {_short(record)}, not a record."
            elif "id" not in record:
                self._broken[name] = f"{where} has no id."
            elif (key := _identity(record["id"])) is None:
                self._broken[name] = (
                    f"{where} has the id {_short(record['id'])}, which is neither a whole "
                    "number nor a text."
                )
            else:
                counted[key] += 1
                found[key] = {**record, "id": key}
        for key, count in counted.items():
            if count > 1:  # records that share an id cannot be told apart
                del found[key]
                name = f"{kind}-{key}"
                self._broken[name] = (
                    f"The id {_short(key)} is {count} times in the {kind} of {self.path}."
                )
        return found

    def _fits(self, annotation: dict) -> bool:
        """Whether an annotation has a photo and a category; stores their checked ids in it."""
        where = f"The annotation {annotation['id']} in {self.path}"
        for field, known in (("category_id", self.categories), ("image_id", self._images)):
            value = annotation[field] = _identity(annotation.get(field))
            if value not in known:
                given = "no" if value is None else f"the unknown {field} {_short(value)}, so no"
                what = "category" if field == "category_id" else "photo"
                self._broken[f"annotation-{annotation['id']}"] = f"{where} has {given} {what}."
                return False
        return True


def in_order(key: Identity) -> tuple[bool, Identity]:
    """Return a sort key that puts numbers before strings."""
    return isinstance(key, str), key


def _read(path: Path) -> dict:
    try:
        content = json.loads(path.read_bytes())
        if not all(isinstance(content[kind], list) for kind in _LISTS):
            raise TypeError("a list was expected")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"The file {path} is no COCO annotation file, which is JSON with images, annotations "
            f"and categories ({type(error).__name__}: {reason})."
        ) from error
    return content


def _identity(value: Any) -> Identity | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else None


def _is_inside(name: Any) -> bool:
    """Whether a name is a path that stays in its folder."""
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
