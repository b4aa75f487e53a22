"""`images:FOLDER`: images in one folder per class, as Pillow reads them."""

import json
import shlex
import sys
from pathlib import Path

import numpy as np

from initsweep.core.errors import DataError
from initsweep.core.params import Data
from initsweep.core.user_files import refuse_large
from initsweep.datasets import Dataset
from initsweep.datasets.from_arrays import Given, from_arrays
from initsweep.datasets.in_messages import in_one_line
from initsweep.datasets.readers import READERS, Reader

RESIZE = (
    "import pathlib as l, PIL.Image as i; "
    '[(o := l.Path("small", *p.parts[-2:]).with_suffix(".png")).parent.mkdir(parents=True, '
    'exist_ok=True) or i.open(p).convert("RGB").resize((32, 32)).save(o) '
    'for p in l.Path(FOLDER).glob("*/*")]'
)
"""A command for the shell, on one line."""


def read(location: str, settings: Data) -> Dataset:
    """Return the images of a folder, grey if all are, and the folder of each as its class.

    Raises:
        DataError: If there are none, or they differ in size.
    """
    folder = Path(location)
    files = sorted(path for path in folder.glob("*/[!.]*") if path.is_file())
    if not files:
        raise DataError(
            f"data.source: '{folder}' holds no images in folders, one for each class: "
            "FOLDER/CLASS/IMAGE.png."
        )
    images = [_image(files[0])]
    refuse_large(f"'{folder}'", images[0].nbytes * len(files))
    for path in files[1:]:
        images.append(_image(path))
        sizes = [f"{one.shape[1]} x {one.shape[0]}" for one in (images[-1], images[0])]
        if sizes[0] != sizes[1]:
            code = RESIZE.replace("FOLDER", json.dumps(str(folder)))
            raise DataError(
                f"'{path}' is {sizes[0]} pixels, '{files[0]}' {sizes[1]}, and all "
                "must be alike. Make others in a folder 'small': "
                f"`{shlex.join([sys.executable, '-c', code])}`."
            )
    if any(image.ndim == 3 for image in images):
        images = [one if one.ndim == 3 else np.repeat(one[..., None], 3, axis=2) for one in images]
    classes = np.array([path.parent.name for path in files])
    return from_arrays(Given(np.stack(images), folder), Given(classes, folder), settings)


def _image(path: Path) -> np.ndarray:
    """Return grey values, shape (height, width), or colours, shape (height, width, 3).

    Raises:
        DataError: If Pillow finds no image there.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("L" if image.mode in {"1", "L"} else "RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"'{path}' is no image that can be read: {in_one_line(error)}. Take it out of "
            "the folder, or write it again."
        ) from None


READERS.add(
    "images",
    Reader(
        form="FOLDER",
        summary="Images of one size, in one folder per class.",
        read=read,
    ),
)
