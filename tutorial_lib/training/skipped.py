"""Photos that cannot be read are skipped. If they are the majority, the run ends."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch.distributed as dist
from lightning_fabric import Fabric

from tutorial_lib.training.distributed import sum_over_devices

MIN_DRAWS = 20  # with fewer draws, the share of failures says little


class SkippedFiles:
    """The files that could not be read so far, on all devices of a run.

    Parameters
    ----------
    fabric : Fabric
        The devices.
    opened : sequence of str
        One sentence for each object that could not be read when the data was opened.
    saved : dict, optional
        What :meth:`state` returned before the run was interrupted.

    Attributes
    ----------
    reasons : list of str
        One sentence per file, the same list on all devices.
    """

    def __init__(
        self, fabric: Fabric, opened: Sequence[str] = (), saved: dict[str, Any] | None = None
    ) -> None:
        saved = saved or {}
        self._fabric = fabric
        self.reasons: list[str] = list(saved.get("reasons", ()))
        self._draws, self._failed = int(saved.get("draws", 0)), int(saved.get("failed", 0))
        if opened and fabric.is_global_zero:
            more = f" (and {len(opened) - 1} more)" if len(opened) > 1 else ""
            self._warn(f"{opened[0]}{more}")
        self.reasons += [reason for reason in opened if reason not in self.reasons]

    def __len__(self) -> int:
        return len(self.reasons)

    def state(self) -> dict[str, Any]:
        """Return what goes into a checkpoint."""
        return {"reasons": self.reasons, "draws": self._draws, "failed": self._failed}

    def note(self, samples: int, reasons: Sequence[str]) -> None:
        """Count the samples of a step and the skipped files; warn of each new file.

        Parameters
        ----------
        samples : int
            Number of samples on this device.
        reasons : sequence of str
            One sentence for each photo that this device could not read.

        Raises
        ------
        OSError
            On all devices, if most photos drawn so far could not be read.
        """
        failed = int(sum_over_devices(self._fabric, len(reasons)))
        self._draws += samples * self._fabric.world_size + failed
        if not failed:
            return
        self._failed += failed
        for reason in self._of_all(list(reasons)):
            if reason not in self.reasons:
                self.reasons.append(reason)
                if self._fabric.is_global_zero:
                    self._warn(reason)
        if self._draws >= MIN_DRAWS and 2 * self._failed > self._draws:
            raise OSError(
                f"Of the {self._draws} photos drawn so far, {self._failed} could not be read; the "
                f"first error was: {self.reasons[0]}"
            )

    @staticmethod
    def _warn(reason: str) -> None:
        warnings.warn(f"Skipped: {reason}", RuntimeWarning, stacklevel=3)

    def _of_all(self, reasons: list[str]) -> list[str]:
        if self._fabric.world_size == 1:
            return reasons
        found: list[Any] = [None] * self._fabric.world_size
        dist.all_gather_object(found, reasons)
        return [reason for part in found for reason in part]
