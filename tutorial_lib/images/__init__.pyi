from .arrays import ImageError as ImageError
from .arrays import ImageNotFoundError as ImageNotFoundError
from .reading import ImageLike as ImageLike
from .reading import as_rgb as as_rgb
from .reading import shrink_photo as shrink_photo
