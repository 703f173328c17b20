"""One reader of a run's results, for the report, comparisons, status and whoever opens results/<run> from Python.

What is not there (yet) is empty: {} for a JSON file, [] for a table. A file is read when it is first asked for.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dlmd.base.arrays import read_npy
from dlmd.base.files import read_csv, read_json
from dlmd.run import tree


def _read(path: Path) -> dict:
    return read_json(path) if path.exists() else {}


def _rows(path: Path) -> list[dict]:
    return read_csv(path) if path.exists() else []


class RunResults:
    """The results of one run.

    Parameters
    ----------
    folder
        results/<run>.

    Raises
    ------
    DlmdError
        when reading, for a damaged file.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._levels: dict[str, LevelResults] = {}

    def path(self, pattern: str, **wildcards: Any) -> Path:
        """A file of this run, by its pattern in `dlmd.run.tree`."""
        return tree.path(self.folder, pattern, **wildcards)

    def level(self, name: str) -> LevelResults:
        """The results of one level of theory."""
        return self._levels.setdefault(name, LevelResults(self, name))

    @property
    def answered(self) -> list[str]:
        """Names of the levels that have an answer."""
        pattern = tree.fill(tree.ARRHENIUS, level="*")
        found = (
            tree.wildcards(tree.ARRHENIUS, p.relative_to(self.folder)) for p in self.folder.glob(pattern)
        )
        return sorted(w["level"] for w in found)

    @cached_property
    def occupancies(self) -> list[dict]:
        """Requested and realised occupancies of all cells."""
        return _rows(self.path(tree.OCCUPANCIES))

    @cached_property
    def lattice(self) -> list[dict]:
        """Lattice parameters of the relaxed cells of all levels, and published ones."""
        return _rows(self.path(tree.LATTICE))

    @cached_property
    def costs(self) -> list[dict]:
        """What the stages have cost."""
        return _rows(self.path(tree.COSTS_OF_STAGES))

    @cached_property
    def throughput(self) -> list[dict]:
        """Speed of the dynamics of labels and of production."""
        return _rows(self.path(tree.THROUGHPUT))

    @property
    def models(self) -> list[Path]:
        """The potentials that production may use, in the order of their paths."""
        return sorted(self.folder.glob(tree.fill(tree.COMPRESSED_MODEL, level="*", m="*")))


class LevelResults:
    """The results of one level of theory of a run; made by `RunResults.level`."""

    def __init__(self, run: RunResults, name: str):
        self.run, self.name = run, name
        self._temperatures: dict[Path, dict] = {}

    def path(self, pattern: str, **wildcards: Any) -> Path:
        """A file of this level, by its pattern in `dlmd.run.tree`."""
        return self.run.path(pattern, level=self.name, **wildcards)

    def _at(self, pattern: str, temperature_k: float) -> dict:
        path = self.path(pattern, T=temperature_k)
        if path not in self._temperatures:
            self._temperatures[path] = _read(path)
        return self._temperatures[path]

    def transport(self, temperature_k: float) -> dict:
        """MSD, diffusion and conductivity at one temperature."""
        return self._at(tree.TRANSPORT, temperature_k)

    def mechanism(self, temperature_k: float) -> dict:
        """Sites, hops and pathways at one temperature."""
        return self._at(tree.MECHANISM, temperature_k)

    @cached_property
    def arrhenius(self) -> dict:
        """Fits over all temperatures, and predictions."""
        return _read(self.path(tree.ARRHENIUS))

    @property
    def temperatures_k(self) -> list[float]:
        """The temperatures that the answer has seen, fitted or left out, in ascending order."""
        if not self.arrhenius:
            return []
        left_out = (row["temperature_k"] for row in self.arrhenius["left_out"])
        bounds = (row["temperature_k"] for row in self.arrhenius.get("bounds", ()))
        return sorted({*self.arrhenius["temperatures_k"], *left_out, *bounds})

    @cached_property
    def rates(self) -> dict:
        """Rates of hops over all temperatures."""
        return _read(self.path(tree.RATES))

    @cached_property
    def error_budget(self) -> dict:
        """Shares of statistics, potential and ordering in the uncertainty; only with several runs per temperature."""
        return _read(self.path(tree.ERROR_BUDGET))

    @cached_property
    def errors(self) -> dict:
        """Errors of the potential on held-out trajectories."""
        return _read(self.path(tree.ERRORS))

    @cached_property
    def committee(self) -> dict:
        """What the spread of several potentials says; only with several potentials."""
        return _read(self.path(tree.COMMITTEE))

    @cached_property
    def rdf(self) -> dict:
        """Radial distribution functions of potential and engine, compared."""
        return _read(self.path(tree.RDF))

    @cached_property
    def accepted(self) -> dict:
        """The checks of the potential before production."""
        return _read(self.path(tree.ACCEPTED))

    @cached_property
    def few_labels(self) -> dict:
        """What few labels have made of another level's potential; only of a level that starts from another."""
        return _read(self.path(tree.FEW_LABELS))

    @property
    def explorations(self) -> list[dict]:
        """What each round of the learning loop has explored and picked, without rounds that were passed over."""
        wanted = tree.fill(tree.SELECTED, level=self.name, i="[0-9]*")
        found = [read_json(path) for path in self.run.folder.glob(wanted)]
        return sorted((one for one in found if not one["passed_over"]), key=lambda one: one["round"])

    @cached_property
    def dataset(self) -> list[dict]:
        """Every labelled frame: source, split, and whether it is used."""
        return _rows(self.path(tree.PROVENANCE))

    @property
    def given(self) -> list[dict]:
        """What is known of every file of labels that was given."""
        wanted = tree.fill(tree.GIVEN_RECORD, level=self.name, g="[0-9]*")
        return [read_json(path) for path in sorted(self.run.folder.glob(wanted))]

    @cached_property
    def label_volumes(self) -> list[tuple[list[str], np.ndarray]]:
        """Atoms, and volumes per atom in Å³ (frames,), of every set of labels that the training has read; empty for a potential
        of one's own."""
        from dlmd.training.input import WORK

        path = self.path(tree.TRAINING_INPUT, m=0)
        found = []
        for name in read_json(path)["training"]["training_data"]["systems"] if path.exists() else ():
            # textual, because the folder that the names are relative to is gone
            system = Path(os.path.normpath(path.parent / WORK / name))
            species = (system / "type_map.raw").read_text().split()
            symbols = [species[i] for i in np.loadtxt(system / "type.raw", dtype=int, ndmin=1)]
            for box in sorted(system.glob("set.*/box.npy")):
                cells = read_npy(box).reshape(-1, 3, 3)
                found.append((symbols, np.abs(np.linalg.det(cells)) / len(symbols)))
        return found

    @cached_property
    def barriers(self) -> dict:
        """Barriers of all hops."""
        return _read(self.path(tree.BARRIERS))

    @property
    def bands(self) -> list[dict]:
        """The nudged elastic bands of the potential, by hop and number."""
        wanted = tree.fill(tree.BAND, level=self.name, hop="*", number="[0-9]*")
        return [read_json(path) for path in sorted(self.run.folder.glob(wanted))]

    @cached_property
    def expansion(self) -> dict:
        """Lattice of production by temperature, and the thermal expansion; empty where production has the relaxed lattice."""
        return _read(self.path(tree.EXPANSION))

    @cached_property
    def size_check(self) -> dict:
        """Production's cell against a second one; only with `md.size_check`."""
        return _read(self.path(tree.SIZE_CHECK))

    def production_cell(self, k: int = 0) -> dict:
        """The cell of production run `k`: types of its atoms and its lattice."""
        return _read(self.path(tree.PRODUCTION_CELL, k=k))
