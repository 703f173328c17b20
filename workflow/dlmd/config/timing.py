"""Times that must fit into each other: steps, strides, segments, restart files."""

from __future__ import annotations

from collections.abc import Iterator

from dlmd.base.units import FS_PER_PS
from dlmd.config.model import RunFields

Found = Iterator[tuple[str, str, str]]


def times(cfg: RunFields) -> Found:
    """Temperatures are ordered; strides and segments are whole multiples."""
    md = cfg.md
    if list(md.temperatures_k) != sorted(md.temperatures_k):
        yield (
            "md.temperatures_k",
            f"not in ascending order: {md.temperatures_k}",
            f"write {sorted(md.temperatures_k)}",
        )
    if len(set(md.temperatures_k)) != len(md.temperatures_k):
        yield (
            "md.temperatures_k",
            f"a temperature is repeated: {md.temperatures_k}",
            "name each once; use md.replicas for repeats",
        )
    if md.thermostat_damping_fs < md.time_step_fs:
        yield (
            "md.thermostat_damping_fs",
            f"{md.thermostat_damping_fs:g} fs is below the time step of {md.time_step_fs:g} fs",
            "use about 100 time steps",
        )
    for key in ("equilibrate_ps", "segment_ps", "all_atom_interval_ps", "restart_interval_ps"):
        steps = getattr(md, key) * FS_PER_PS / md.time_step_fs
        if abs(steps - round(steps)) > 1e-6:
            yield (
                f"md.{key}",
                f"{getattr(md, key)} ps is no whole number of steps of {md.time_step_fs} fs",
                "change one of them",
            )
    stride = md.position_interval_fs / md.time_step_fs
    if abs(stride - round(stride)) > 1e-6:
        yield (
            "md.position_interval_fs",
            f"{md.position_interval_fs} fs is no whole number of steps of {md.time_step_fs} fs",
            "change one of them",
        )
    for inner, outer in (
        ("position_interval_fs", "restart_interval_ps"),
        ("all_atom_interval_ps", "restart_interval_ps"),
        ("restart_interval_ps", "segment_ps"),
    ):
        a = getattr(md, inner) * (1.0 if inner.endswith("fs") else FS_PER_PS)
        b = getattr(md, outer) * FS_PER_PS
        if abs(b / a - round(b / a)) > 1e-6:
            yield (
                f"md.{outer}",
                f"{b} fs is no multiple of md.{inner} ({a} fs)",
                ("frames must fall on the ends of segments and on restart files: choose multiples"),
            )


def constant_pressure(cfg: RunFields) -> Found:
    """Runs at zero pressure end where frames do, and are runs of production."""
    md = cfg.md
    if md.lattice == "thermal":
        if not any(cfg.training.virial_prefactor) and any(
            level.potential is None for level in cfg.levels.values()
        ):
            yield (
                "md.lattice",
                "the cell would be that of a potential whose pressure was never trained (training.virial_prefactor is 0)",
                "set training.virial_prefactor, for instance to [0.01, 0.1], and strain some label trajectories",
            )
        for name, interval in (
            ("all_atom_interval_ps", md.all_atom_interval_ps * FS_PER_PS),
            ("position_interval_fs", md.position_interval_fs),
        ):
            ratio = md.npt.segment_ps * FS_PER_PS / interval
            if abs(ratio - round(ratio)) > 1e-6:
                yield (
                    "md.npt.segment_ps",
                    f"{md.npt.segment_ps} ps is no multiple of md.{name} ({interval:g} fs)",
                    "frames must fall on the ends of segments: choose multiples",
                )
        if md.npt.runs > md.replicas * md.potentials:
            yield (
                "md.npt.runs",
                f"{md.npt.runs} runs, but production has {md.replicas * md.potentials} per temperature",
                "lower it, or raise md.replicas",
            )
