"""Where swap Monte Carlo can be: in production's cell, which is made after the potential."""

from __future__ import annotations

from collections.abc import Iterator

from dlmd.config.model import RunFields

Found = Iterator[tuple[str, str, str]]


def problems(cfg: RunFields) -> Found:
    """Yield (key path, what is wrong, remedy) for cells of the sampling swap_mc."""
    structures, md = cfg.structures, cfg.md
    if isinstance(structures.sampling, dict) and set(structures.sampling) != set(structures.cells):
        return  # said elsewhere
    swapped = [cell for cell in structures.cells if structures.sampling_of(cell) == "swap_mc"]
    if not swapped:
        return
    if structures.swap_mc is None:
        yield (
            "structures.swap_mc",
            f"the cell '{swapped[0]}' is sampled by swap_mc, at no temperature",
            "add swap_mc: {temperature_k: <temperature of synthesis>} to structures",
        )
    needed_before = {s.cell for s in cfg.labels.relax.cells}
    needed_before |= {s.cell for s in cfg.labels.aimd.trajectories}
    needed_before |= {s.cell for s in (cfg.learning.explore if cfg.learning else [])}
    needed_before |= {s.cell for s in (cfg.barriers.cells if cfg.barriers else [])}
    needed_before |= {md.lattice_from.cell} if md.lattice_from else {md.cell}
    produced = {md.cell} | ({md.size_check.cell} if md.size_check else set())
    for cell in swapped:
        if cell not in produced:
            yield (
                f"structures.sampling.{cell}",
                f"swap_mc needs the potential, and '{cell}' is no cell of production (md.cell is '{md.cell}')",
                "use random or coulomb for cells of labels",
            )
        elif cell in needed_before:
            yield (
                f"structures.sampling.{cell}",
                f"swap_mc needs the potential, and '{cell}' is wanted before there is one",
                "give production a cell of its own, and md.lattice_from the label cell that its lattice comes from",
            )
