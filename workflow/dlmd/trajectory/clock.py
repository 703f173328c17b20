"""The time between frames: what the user says, what the file's steps, header and times say, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.base.units import FS_PER_PS
from dlmd.trajectory.text_frames import ASE_TIME_PS, Frame

# Relative difference of two times that is rounding (XTC has single precision).
_TOLERANCE = 0.01
# MD time steps of atoms in fs: where a dump has times without their unit, ps and fs cannot both give one of these.
_TIME_STEPS_FS = (0.05, 20.0)
_RECORDED_STEPS_FS = (0.005, 25.0)
# a longer one is more often a slip than a choice
_USUAL_STEP_FS = 5.0
_PS = {"ps": 1.0, "fs": 1e-3, "ns": 1e3, "us": 1e6, "s": 1e12}
TRUST = "or give --trust-options, where they are right and the file is wrong"


@dataclass
class Clock:
    """Collects what is said of the time between frames.

    Attributes
    ----------
    time_step_fs, stride
        The user's.
    trust
        The user's word counts where the file contradicts it.
    """

    time_step_fs: float | None
    stride: int | None
    trust: bool = False
    notes: list[str] = field(default_factory=list)

    def interval_ps(self, first: Frame, second: Frame | None, spacing: int | None, where: str) -> float:
        """Time between frames in ps, from two that follow each other; `spacing` is their distance in MD steps, where known.

        Raises
        ------
        DlmdError
            where it is unknown, or what is said contradicts itself.
        """
        if spacing == 1 and first.counts_steps and self.stride not in (None, 1):
            # a comment's `Step` may count frames; the time and the thermal motion tell
            self.notes.append(
                f"the file's steps are taken to count frames, {self.stride} MD steps each, as given"
            )
            spacing = None
        stride = self._stride(spacing if spacing is not None else first.stride, where)
        check_time_step(self.time_step_fs, stride, trust=self.trust, where=where)
        given = (
            None if self.time_step_fs is None or stride is None else self.time_step_fs * stride / FS_PER_PS
        )
        recorded = first.interval_ps
        if recorded is not None and self.time_step_fs is not None:
            given = self.time_step_fs * (stride or 1) / FS_PER_PS
        if recorded is None and second is not None:
            recorded = self._by_times(first, second, spacing, given, where)
        if recorded is not None and spacing is not None and spacing > 1:
            self._check_recorded_step(recorded * FS_PER_PS / spacing, where)
        if recorded is None:
            return self._required(given, stride, where, _passed(first, second))
        if given is None:
            said = "" if first.interval_ps is not None else ", by the file's times"
            self.notes.append(f"{recorded:.6g} ps between frames{said}")
            return recorded
        if abs(given / recorded - 1) <= _TOLERANCE:
            return given
        if self.trust:
            self.notes.append(
                f"{given:.6g} ps between frames, as given; the file says {recorded:.6g} ps (--trust-options)"
            )
            return given
        raise DlmdError(
            f"--time-step and --stride give {given:.6g} ps between frames, the file says {recorded:.6g} ps",
            where=where,
            remedy=f"leave them out, {TRUST}",
        )

    def _check_recorded_step(self, step_fs: float, where: str) -> None:
        """Raises DlmdError where the file's times and steps make a time step that no MD of atoms has."""
        low, high = _RECORDED_STEPS_FS
        if self.trust or low <= step_fs <= high:
            return
        raise DlmdError(
            f"the file's times and steps make a time step of {step_fs:.4g} fs: no MD of atoms has such a step",
            where=where,
            remedy="give --time-step (fs), --stride and --trust-options, where the file's times are wrong",
        )

    def _stride(self, known: int | None, where: str) -> int | None:
        if known is None or known <= 0:
            return self.stride
        if self.stride in (None, known):
            return known
        if self.trust:
            self.notes.append(
                f"{self.stride} steps between frames, as given; the file says {known} (--trust-options)"
            )
            return self.stride
        raise DlmdError(
            f"--stride {self.stride}, but frames are {known} steps apart",
            where=where,
            remedy=f"leave --stride out, or give {known}; {TRUST}",
        )

    def _by_times(
        self, first: Frame, second: Frame, spacing: int | None, given: float | None, where: str
    ) -> float | None:
        passed = _passed(first, second)
        if passed is None:
            return None
        if first.time_unit is not None:
            return passed * _PS[first.time_unit]
        # ps or fs (or ASE's own): what agrees with the user, else what gives an MD step
        for scale in (1.0, 1e-3, ASE_TIME_PS):
            if given is not None and abs(given / (passed * scale) - 1) <= _TOLERANCE:
                return passed * scale
        for scale in (1.0, 1e-3):
            if spacing and _TIME_STEPS_FS[0] <= passed * scale * FS_PER_PS / spacing <= _TIME_STEPS_FS[1]:
                return passed * scale
        if given is not None and not self.trust:
            raise DlmdError(
                f"--time-step and --stride give {given:.6g} ps between frames, the file's times differ by {passed:.6g} "
                "(of ps or fs)",
                where=where,
                remedy=f"give what fits them, {TRUST}",
            )
        return None

    def _required(self, given: float | None, stride: int | None, where: str, passed: float | None) -> float:
        if given is not None:
            self.notes.append(
                f"{given:.6g} ps between frames, as given: the file has no times to hold against it"
            )
            if (stride or 1) > 1 and self.time_step_fs is not None and self.time_step_fs > _USUAL_STEP_FS:
                self.notes.append(
                    f"a time step of {self.time_step_fs:g} fs is longer than MD of all atoms usually has: if it is a slip, D is "
                    "wrong by as much"
                )
            return given
        if passed is not None and self.time_step_fs is None:
            raise DlmdError(
                f"the file's times are {passed:.6g} apart, without a unit",
                where=where,
                remedy=f"give --time-step {passed:.6g} --stride 1 where these are fs, --time-step {passed * FS_PER_PS:.6g} "
                "--stride 1 where they are ps",
            )
        missing = [
            option
            for option, value in (("--time-step FS", self.time_step_fs), ("--stride N", stride))
            if value is None
        ]
        raise DlmdError(
            f"the time between frames is unknown: {' and '.join(missing)} missing",
            where=where,
            remedy="give the MD time step in fs and the number of MD steps between frames",
        )


def _passed(first: Frame, second: Frame | None) -> float | None:
    """Time from one frame to the next in the file's unit; None where it has none."""
    if second is None or first.time is None or second.time is None or not second.time > first.time:
        return None
    return second.time - first.time


def check_time_step(
    time_step_fs: float | None, stride: int | None, *, trust: bool, where: str | None = None
) -> None:
    """Raises DlmdError for an MD time step that no atoms stand: ps given for fs, or the time between frames for the step."""
    if time_step_fs is None or trust:
        return
    low, high = 0.01, _TIME_STEPS_FS[1]
    if time_step_fs < low:
        raise DlmdError(
            f"--time-step {time_step_fs:g} fs: no MD of atoms has such a step",
            where=where,
            remedy=f"give it in fs (LAMMPS' metal units have ps: {time_step_fs:g} ps is --time-step "
            f"{time_step_fs * FS_PER_PS:g}), or give --trust-options",
        )
    if time_step_fs > high and stride not in (None, 1):
        raise DlmdError(
            f"--time-step {time_step_fs:g} fs with {stride} steps between frames: no MD of atoms has such a step",
            where=where,
            remedy="give the step of the MD in fs, or the time between frames with --stride 1; or give --trust-options",
        )


def regular(times: np.ndarray) -> bool:
    """Whether (frames,) times are evenly spaced within the rounding of single precision."""
    gaps = np.diff(times)
    return bool(
        len(gaps) == 0 or (np.abs(gaps - gaps[0]) <= max(1e-6 * abs(times[-1]), 0.01 * gaps[0])).all()
    )
