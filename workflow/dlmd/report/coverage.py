"""Whether the labels that a potential was trained on reach the volumes that production runs at, and how many of the frames that
were explored for them had a host in pieces."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from dlmd.run.results import LevelResults

# a third of a per cent in lengths, as much as a mean cell may err
SLACK = 0.01


def beyond_labels(results: LevelResults) -> list[str]:
    """In words, at which temperatures the cell is larger or smaller than that of any training label of its composition.

    Nothing is said where there are no such labels (a potential of one's own, another composition), which other checks tell.
    """
    cell = results.production_cell()
    if not cell:
        return []
    species = list(cell["masses_amu"])
    wanted = _composition(species[i - 1] for i in cell["types"])
    per_cell = len(cell["types"]) / math.prod(cell["repeat"])
    found = [
        volumes * per_cell for symbols, volumes in results.label_volumes if _composition(symbols) == wanted
    ]
    if not found:
        return []
    low, high = min(v.min() for v in found), max(v.max() for v in found)
    far = []
    rows = results.expansion.get("temperatures") or [{"temperature_k": 0, "unit_cell": cell["unit_cell"]}]
    for row in rows:
        volume = row["unit_cell"]["volume"]
        where = f" at {row['temperature_k']:g} K" if results.expansion else ""
        if volume > high * (1 + SLACK):
            far.append(f"{volume / high - 1:.1%} larger than the largest{where}")
        elif volume < low * (1 - SLACK):
            far.append(f"{1 - volume / low:.1%} smaller than the smallest{where}")
    if not far:
        return []
    return [
        f"production's cell is beyond the labels' ({low:.1f} to {high:.1f} Å³ per unit cell): {'; '.join(far)}. The potential "
        "extrapolates there: add labels of such cells (strains)"
    ]


def met_anions(results: LevelResults) -> list[str]:
    """In words, in what part of each round's explored frames anions had met; nothing where they met in none.

    No bound is on it: a first round without labels explores with the potential of another level, which they are to correct.
    """
    rounds = [(one["round"], one.get("anions_met", 0), one["frames"]) for one in results.explorations]
    if not any(met for _, met, _ in rounds):
        return []
    shares = ", ".join(f"{met} of {frames} in round {number + 1}" for number, met, frames in rounds)
    last = (
        "No later round shows whether the labels correct it"
        if len(rounds) == 1
        else "Later rounds explore with what the labels have made of it"
    )
    return [
        f"Anions had met that the crystal keeps apart in explored frames: {shares}. Where no labels were given, "
        f"the first round explores with the potential that the training starts from. {last}; "
        "`validation.max_met_anions` does not judge explorations."
    ]


def _composition(symbols: Iterable[str]) -> dict[str, int]:
    counts = Counter(symbols)
    divisor = math.gcd(*counts.values())
    return {symbol: n // divisor for symbol, n in counts.items()}
