"""Which reader belongs to which dataset."""

from __future__ import annotations

from collections.abc import Callable

from tutorial_lib.data.layouts.base import Dataset
from tutorial_lib.data.layouts.bsds import Bsds500
from tutorial_lib.data.layouts.clothing import ClothingCoParsing
from tutorial_lib.data.layouts.coco import Coco
from tutorial_lib.data.layouts.davis import Davis
from tutorial_lib.data.layouts.pairs import Berkeley, Duts, Folder, GrabCut
from tutorial_lib.data.layouts.voc import Sbd, Voc

#: The reader of every dataset, by name.
LAYOUTS: dict[str, Callable[..., Dataset]] = {
    "grabcut": GrabCut,
    "berkeley": Berkeley,
    "davis": Davis,
    "coco": Coco,
    "voc": Voc,
    "sbd": Sbd,
    "bsds500": Bsds500,
    "duts": Duts,
    "clothing-co-parsing": ClothingCoParsing,
    "folder": Folder,
}
