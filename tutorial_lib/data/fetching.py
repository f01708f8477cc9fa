"""Download datasets from their official pages; resume, verify and unpack the downloads."""

from __future__ import annotations

import logging
from pathlib import Path

from tutorial_lib.data.archives import unpack
from tutorial_lib.data.catalogue import DATASETS, Archive
from tutorial_lib.data.downloads import download, is_page
from tutorial_lib.data.layouts.by_name import LAYOUTS
from tutorial_lib.paths import checksum

_LOG = logging.getLogger(__name__)


def fetch(
    name: str,
    root: str | Path,
    *,
    split: str | None = None,
    keep_archives: bool = True,
    progress: bool = True,
) -> Path:
    """Download a dataset and unpack it, ready for ``load_dataset(name, root)``.

    If an address fails, the next one is tried: :func:`address_lines` lists them.

    An interrupted download resumes where it stopped, in this call or the next one. If you put an
    archive into ``root`` by hand, it is used instead of a download. Complete files are not
    downloaded again.

    The catalogue holds the checksums that well-known projects document. A download must match its
    checksum. If there is none, a download is trusted once it is unpacked and read as the dataset
    (trust on first use). Its SHA-256 is then logged and written to ``<archive>.sha256``. Every
    later download must match that file.

    Parameters
    ----------
    name : str
        One of :data:`~tutorial_lib.data.catalogue.DATASETS`.
    root : str or Path
        The dataset's folder. It is created if it is missing.
    split : str, optional
        One of ``DATASETS[name].splits``. By default, the first one. Only the splits of duts and
        coco are separate downloads.
    keep_archives : bool
        Whether to keep the downloaded archives beside their contents.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Path
        ``root``.

    Raises
    ------
    ValueError
        If the dataset has no download or no such split, or if a checksum does not match. Also if
        an archive is damaged, would write outside ``root``, or does not hold the dataset.
    ConnectionError
        If the download fails or is a web page. The message says where to put the file by hand.
    OSError
        If ``root`` cannot be written.

    Notes
    -----
    Please read ``DATASETS[name].terms``. If you download a dataset, you agree to its terms.
    """
    if name not in DATASETS:
        raise ValueError(f"The datasets are {', '.join(DATASETS)}; there is no {name!r}.")
    archives, folder = _wanted(name, split), _made(Path(root).expanduser())
    for archive in archives:
        path = folder / archive.file_name
        if not _unpacked(path):
            _fetch_one(archive, path, progress)
            _unpack(name, archive, path, split)
    if not keep_archives:
        for archive in archives:
            (folder / archive.file_name).unlink(missing_ok=True)
    return folder


def _wanted(name: str, split: str | None) -> list[Archive]:
    info = DATASETS[name]
    if not info.archives:
        raise ValueError(f"The dataset {name} has no download: {info.how_to_get('')}.")
    if whole := [archive for archive in info.archives if archive.whole and archive.split == split]:
        return whole
    archives = [archive for archive in info.archives if not archive.whole]
    separate = list(dict.fromkeys(archive.split for archive in archives if archive.split))
    apart = [archive.split for archive in info.archives if archive.whole]
    known = [*separate, *apart] if separate else info.splits
    if split is not None and split not in known:
        what = f"The {'downloads' if separate else 'splits'} of {name} are {', '.join(known)}, not"
        raise ValueError(
            f"{what if known else f'The dataset {name} has no splits, thus no'} {split!r}."
        )
    if separate and split is None:
        split = separate[0]
    return [archive for archive in archives if not separate or archive.split in (None, split)]


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    return folder


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.unpacked")


def _unpacked(path: Path) -> bool:
    """Whether an archive was unpacked before and its top-level files are still there."""
    marker = _marker(path)
    tops = marker.read_text("utf-8", "replace").split("\n")[:-1] if marker.is_file() else []
    return bool(tops) and all((path.parent / top).exists() for top in tops)


def _fetch_one(archive: Archive, path: Path, progress: bool) -> None:
    if not path.is_file():
        part = path.with_name(f"{path.name}.part")
        url = _download(archive, part, path, progress)
        _verify(archive, part, path, url)
        part.replace(path)
        return
    with path.open("rb") as stream:
        if is_page(stream.read(512)):
            raise ValueError(
                f"The file {path} is a web page, no archive; delete it and fetch again."
            )
    _verify(archive, path, path, archive.url)


def _download(archive: Archive, part: Path, path: Path, progress: bool) -> str:
    """Download from the first address that answers, and return it."""
    errors = []
    for place in archive.addresses:
        try:
            download(place.url, part, progress=progress, by_hand=path)
            return place.url
        except ConnectionError as error:
            errors.append(error)
            _LOG.warning("%s (%s)", error, place.report)
    first, *others = errors
    if others:
        tried = ", ".join(f"{place.url} ({place.report})" for place in archive.mirrors)
        message = f"{str(first).rstrip('.')}; no other address worked either: {tried}."
        raise ConnectionError(message) from first
    raise first


def address_lines(name: str) -> list[str]:
    """List the addresses of a dataset's files, and what is known about each one.

    Parameters
    ----------
    name : str
        One of :data:`~tutorial_lib.data.catalogue.DATASETS`.

    Returns
    -------
    list of str
        Lines of text. Nothing is downloaded or tried.

    Raises
    ------
    ValueError
        If there is no such dataset.
    """
    if name not in DATASETS:
        raise ValueError(f"The datasets are {', '.join(DATASETS)}; there is no {name!r}.")
    info = DATASETS[name]
    lines = [
        f"{info.title}: {info.home or 'your own files'}",
        "The reports are by others: the makers of this list could not try the addresses.",
    ]
    for archive in info.archives:
        check = f"SHA-256 {archive.sha256}" if archive.sha256 else f"MD5 {archive.md5}"
        known = check if archive.sha256 or archive.md5 else "no documented checksum"
        part = f", for --split {archive.split}" if archive.split else ""
        lines.append(f"{archive.file_name}{part}; {known}")
        lines += [f"  {place.url}\n    {place.report}" for place in archive.addresses]
    return lines


def _unpack(name: str, archive: Archive, path: Path, split: str | None) -> None:
    """Unpack an archive; one without a documented checksum must also open as the dataset."""

    def check(place: Path) -> None:
        try:
            _read(name, place, split)
        except (ValueError, OSError) as error:
            reason = str(error).split(";")[0].rstrip(".").replace(str(place), str(path.parent))
            raise ValueError(
                f"The archive {path} cannot be read as {DATASETS[name].title} "
                f"({reason[:1].lower()}{reason[1:]}); delete it and fetch again, or get it by hand "
                f"from {DATASETS[name].home}."
            ) from error

    if archive.sha256 is not None:
        tops = unpack(path, path.parent)
    else:
        tops = unpack(path, path.parent, check)
        _trust(path)
    _marker(path).write_text("\n".join(tops) + "\n", "utf-8")


def _read(name: str, folder: Path, split: str | None) -> None:
    """Open a folder as a dataset, and read one example."""
    dataset = LAYOUTS[name](folder, **({} if split is None else {"split": split}))
    if not len(dataset):
        raise ValueError("It holds no example.")
    dataset[0]


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _trust(path: Path) -> None:
    """Store the checksum of an archive that was read as the dataset."""
    found = checksum(path)
    if _noted(path) != found:
        _LOG.warning("%s: nobody documents a checksum; trusting SHA-256 %s.", path.name, found)
        _note(path).write_text(f"{found}  {path.name}\n", "utf-8")


def _noted(path: Path) -> str | None:
    """Return the stored checksum of an archive that was read as the dataset, or None."""
    if not (_note(path).is_file() and _marker(path).is_file()):
        return None
    words = _note(path).read_text("utf-8", "replace").split()
    return words[0] if words else None


def _verify(archive: Archive, downloaded: Path, path: Path, url: str) -> None:
    """Compare a checksum with the documented one, or with that of the first download."""
    kind, known = "SHA-256", archive.sha256 or _noted(path)
    if known is None and archive.md5 is not None:
        kind, known = "MD5", archive.md5
    if known is None or (found := checksum(downloaded, kind.replace("-", "").lower())) == known:
        return
    if archive.sha256 is None and kind == "SHA-256":
        advice = f"if its home has changed it, delete {_note(path)} and fetch again"
    elif downloaded == path:
        advice = f"delete {path} and fetch again"
    else:
        downloaded.unlink()  # a wrong file cannot be resumed
        advice = "it was deleted, so fetch again, or ask its home whether it has changed"
    raise ValueError(
        f"The file {path.name} from {url} has {kind} {found}, but {known} was expected; {advice}."
    )
