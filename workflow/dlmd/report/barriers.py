"""The barriers of a level as the report shows them: a row per hop, and what a reader must know of them."""

from __future__ import annotations

from collections.abc import Mapping

from dlmd.barriers.bands import CONVERGED
from dlmd.barriers.paths import VACANCY
from dlmd.base.formatting import interval, spread
from dlmd.run import tree
from dlmd.run.results import LevelResults

METHODS = {"potential": "trained potential", "engine": "label engine"}


def section(results: LevelResults) -> dict:
    """Table rows, sentences and figure (path, alternative text, path of the numbers, caption) of one level."""
    data = results.barriers
    figure = (
        results.path(tree.png(tree.BARRIERS_FIGURE)),
        "Energy profiles and migration barriers",
        results.path(tree.BARRIERS_TABLE),
        "barriers.rst",
    )
    return {"rows": [_row(hop) for hop in data["hops"]], "notes": notes(data), "figures": [figure]}


def _row(hop: Mapping) -> dict:
    return {
        "hop": hop["label"],
        "by": METHODS[hop["method"]],
        "length (Å)": _range(hop["length_angstrom"], 2),
        "end of the hop": ", ".join(hop["mechanisms"]),
        "converged bands": f"{hop['counted']} of {hop['asked']}",
        "barrier forward (eV)": _range(hop["barrier_forward_ev"], 3),
        "barrier backward (eV)": _range(hop["barrier_backward_ev"], 3),
        "published (eV)": "" if hop["published_ev"] is None else f"{hop['published_ev']:g}",
    }


def _range(found: Mapping | None, digits: int) -> str:
    """'median (low to high)'."""
    if found is None:
        return "–"
    form = f".{digits}f"
    if f"{found['low']:{form}}" == f"{found['high']:{form}}":
        return f"{found['median']:{form}}"
    return spread(found, form)


def notes(data: Mapping) -> list[str]:
    """What stands beside the table: activation energy, bands that do not count and why, vacancies, engine against potential."""
    found = []
    energy = data["activation_energy_ev"]["conductivity"]
    if energy is not None:
        found.append(
            f"Activation energy of this run's conductivity: {interval(energy, unit='eV')}. "
            "It averages over all hops and environments at temperature; a barrier is one path at 0 K."
        )
    rejected = [
        f"{b['label']} number {b['number']}{' by the engine' if b['method'] == 'engine' else ''}: {b['status']}, {b['message']}"
        for b in data["bands"]
        if b["status"] != CONVERGED
    ]
    if rejected:
        found.append(f"Not counted: {'; '.join(rejected)}.")
    if any(b["path"]["mechanism"] == VACANCY for b in data["bands"]):
        found.append(
            "Where the end of a hop is a vacancy, the ion that sat there was taken out as an atom: the cell has one mobile ion "
            "fewer and stays neutral by oxidising its host, a composition that the potential has not been trained on. "
            "Start and end have the same composition, so most of that error cancels in a barrier."
        )
    differences = [
        abs(row["barrier_forward_potential_ev"] - row["barrier_forward_engine_ev"])
        for row in data["engine_comparison"]
    ]
    if differences:
        found.append(
            f"Potential against engine, paths converged by both: {len(differences)}; forward barriers differ by "
            f"{sum(differences) / len(differences):.3f} eV on average, {max(differences):.3f} eV at most."
        )
    return found
