"""The reader of every dataset, by name."""

from __future__ import annotations

from collections.abc import Callable

from tutorial_lib.data.layouts.bsds import Bsds500
from tutorial_lib.data.layouts.clothing import ClothingCoParsing
from tutorial_lib.data.layouts.coco import open_coco
from tutorial_lib.data.layouts.dataset import Dataset
from tutorial_lib.data.layouts.davis import Davis
from tutorial_lib.data.layouts.pairs import Berkeley, Duts, Folder, GrabCutPhotos
from tutorial_lib.data.layouts.voc import Sbd, Voc

Reader = Callable[..., Dataset]

#: The reader of every dataset, by name. A reader takes a folder and returns the dataset in it.
LAYOUTS: dict[str, Reader] = {
    "grabcut": GrabCutPhotos,
    "berkeley": Berkeley,
    "davis": Davis,
    "coco": open_coco,
    "voc": Voc,
    "sbd": Sbd,
    "bsds500": Bsds500,
    "duts": Duts,
    "clothing-co-parsing": ClothingCoParsing,
    "folder": Folder,
}
