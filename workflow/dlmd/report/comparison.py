"""Runs, or levels of one run, side by side: the same quantities, and whether their intervals say that they differ.

Ratios (conductivity, D, Haven ratio) and differences (energies, lengths) against the first have intervals by recovered variances
(Zou and Donner, Stat. Med. 27, 1693 (2008)); the runs count as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlmd.base import intervals
from dlmd.base.errors import DlmdError
from dlmd.base.intervals import Estimate
from dlmd.run import tree
from dlmd.run.results import LevelResults, RunResults

# key of a temperature's JSON -> its name in the table
PER_TEMPERATURE = {
    "conductivity_ms_per_cm": "σ at {t:g} K (mS/cm)",
    "d_self_cm2_per_s": "D_self at {t:g} K (cm²/s)",
    "d_total_cm2_per_s": "D_total at {t:g} K (cm²/s)",
    "haven_ratio": "Haven ratio at {t:g} K",
}
LENGTHS = ("a", "b", "c")


@dataclass(frozen=True)
class Subject:
    """One level of one finished run, as far as its files are there; `missing` names what it lacks of a finished run."""

    results: LevelResults
    label: str
    missing: tuple[str, ...]

    @property
    def fitted(self) -> dict:
        """The answer: fits over all temperatures."""
        return self.results.arrhenius

    @property
    def temperatures(self) -> list[dict]:
        """Transport at every temperature of the answer whose file is there."""
        found = (self.results.transport(t) for t in self.results.temperatures_k)
        return [result for result in found if result]


@dataclass(frozen=True)
class Row:
    """One quantity of all subjects: values (None where a subject has none), and each against the first.

    `against` holds, per further subject, the ratio (`kind` 'ratio') or the difference ('difference') to the first with its
    interval; None where one of the two has no interval or no value.
    """

    quantity: str
    kind: str
    values: tuple[Estimate | float | None, ...]
    against: tuple[Estimate | None, ...]

    def words(self, k: int) -> str:
        """What the intervals say of the k-th of `against`: 'differs', 'no difference seen' or ''."""
        found = self.against[k]
        if found is None:
            return ""
        neutral = 1.0 if self.kind == "ratio" else 0.0
        return "no difference seen" if found.low <= neutral <= found.high else "differs"


def subjects(folders: Sequence[str | Path]) -> list[Subject]:
    """Every level with an answer of every run, in the order given; a folder may name one level as RUN:LEVEL.

    Raises
    ------
    DlmdError
        for a folder that is no run, or has no answer yet, or fewer than two subjects in all.
    """
    found = []
    for given in folders:
        name, _, wanted = str(given).partition(":")
        run = Path(name)
        if not run.is_dir():
            raise DlmdError(
                "no such folder", where=str(run), remedy="give the folder of a run, results/<run>"
            )
        results = RunResults(run)
        levels = results.answered
        if not levels:
            raise DlmdError(
                "this run has no answer yet: no " + tree.fill(tree.ARRHENIUS, level="<level>"),
                where=str(run),
                remedy="let it finish, or ask for that file by name; `dlmd status` shows how far it is",
            )
        if wanted and wanted not in levels:
            raise DlmdError(
                f"no answer of a level '{wanted}'",
                where=str(run),
                remedy=f"it has those of {', '.join(levels)}",
            )
        found += [_subject(results.level(level)) for level in levels if wanted in ("", level)]
    # runs of one name in two places
    labels = [s.label for s in found]
    found = [
        replace(s, label=f"{s.results.run.folder}/{s.results.name}") if labels.count(s.label) > 1 else s
        for s in found
    ]
    if len(found) < 2:
        raise DlmdError(
            "only one level of one run: nothing to compare it with",
            remedy="give two runs, or one with two levels",
        )
    return found


def _subject(results: LevelResults) -> Subject:
    run = results.run.folder
    expected = [
        *(results.path(tree.TRANSPORT, T=t) for t in results.temperatures_k),
        *(results.path(pattern) for pattern in (tree.LATTICE, tree.ERRORS, tree.RATES)),
    ]
    return Subject(
        results=results,
        label=f"{run.name}/{results.name}",
        missing=tuple(str(path.relative_to(run)) for path in expected if not path.exists()),
    )


def rows(found: Sequence[Subject]) -> list[Row]:
    """All quantities that at least one of the subjects has, the answer first."""
    return [
        *_fits(found),
        *_per_temperature(found),
        *_lattice(found),
        *_errors(found),
        *_mechanism(found),
        *_barriers(found),
        *_cost(found),
    ]


def notes(found: Sequence[Subject]) -> list[str]:
    """What must be known of a comparison: other temperatures, cells or ions, verdicts, and files that are not there."""
    said = []
    first = found[0]
    for other in found[1:]:
        pair = f"{first.label} and {other.label}"
        if {r["temperature_k"] for r in first.temperatures} != {
            r["temperature_k"] for r in other.temperatures
        }:
            said.append(
                f"{pair} were run at different temperatures: only those in common are compared one by one."
            )
        for key, name in (
            ("n_ions", "mobile ions"),
            ("n_host_atoms", "host atoms"),
            ("mobile", "mobile species"),
        ):
            a, b = ({r[key] for r in s.temperatures} for s in (first, other))
            if a and b and a != b:
                said.append(f"{pair} differ in {name}: {_set(a)} and {_set(b)}.")
    for subject in found:
        said += [
            f"{subject.label}: {row['temperature_k']:g} K is left out: {row['reason']}"
            for row in subject.fitted["left_out"]
        ]
        if subject.fitted["verdict"]["code"] != "ok":
            said.append(f"{subject.label}: {subject.fitted['verdict']['message']}")
        if subject.missing:
            said.append(f"{subject.label} lacks {', '.join(subject.missing)}.")
    said.append(
        "Levels of theory, seeds and settings are not compared here: each run's report has its config."
    )
    return said


def _set(values: set) -> str:
    return ", ".join(map(str, sorted(values)))


def row(quantity: str, kind: str, values: Sequence[Estimate | float | None]) -> Row:
    """A row with each value compared to the first, where both are estimates."""
    first = values[0]
    against: list[Any] = []
    for value in values[1:]:
        if not (isinstance(first, Estimate) and isinstance(value, Estimate)):
            against.append(None)
        elif kind == "ratio":
            against.append(intervals.ratio(value, first))
        else:
            against.append(intervals.difference(value, first))
    return Row(quantity, kind, tuple(values), tuple(against))


def _some(quantity: str, kind: str, values: Sequence[Estimate | float | None]) -> list[Row]:
    return [] if all(v is None for v in values) else [row(quantity, kind, values)]


def _estimate(entry: dict | None) -> Estimate | None:
    return None if entry is None else Estimate(entry["value"], entry["low"], entry["high"])


def _fits(found: Sequence[Subject]) -> list[Row]:
    fits = [s.fitted["fits"] or {} for s in found]
    out = []
    for key, name in (("conductivity", "E_a of ln(σT) (eV)"), ("d_self", "E_a of D_self (eV)")):
        out += _some(
            name, "difference", [_estimate(f[key]["activation_energy_ev"]) if f else None for f in fits]
        )
    predicted = [
        {p["temperature_k"]: p for p in (f["conductivity"]["predictions"] if f else [])} for f in fits
    ]
    for t in sorted({t for p in predicted for t in p}):
        mark = ", extrapolated" if any(p[t]["extrapolated"] for p in predicted if t in p) else ""
        values = [_estimate(p[t]["value_ms_per_cm"]) if t in p else None for p in predicted]
        out += _some(f"σ at {t:g} K (mS/cm){mark}", "ratio", values)
    return out


def _per_temperature(found: Sequence[Subject]) -> list[Row]:
    usable = [{r["temperature_k"]: r for r in s.temperatures if r["verdict"]["code"] == "ok"} for s in found]
    out = []
    for key, name in PER_TEMPERATURE.items():
        for t in sorted({t for u in usable for t in u}):
            values = [_estimate(u[t][key]) if t in u and u[t].get(key) else None for u in usable]
            out += _some(name.format(t=t), "ratio", values)
    return out


def _lattice(found: Sequence[Subject]) -> list[Row]:
    """Mean over the orderings of an occupancy; no interval, since a relaxation has none."""
    tables = []
    for subject in found:
        own = [r for r in subject.results.run.lattice if r["source"] == subject.results.name]
        tables.append(
            {
                (o, key): sum(float(r[key]) for r in own if r["occupancy"] == o)
                / sum(r["occupancy"] == o for r in own)
                for o in {r["occupancy"] for r in own}
                for key in (*LENGTHS, "beta")
            }
        )
    out = []
    for occupancy, key in sorted({k for t in tables for k in t}):
        unit = "°" if key == "beta" else "Å"
        out += _some(
            f"{key} at occupancy {occupancy} ({unit})",
            "difference",
            [t.get((occupancy, key)) for t in tables],
        )
    return out


def _errors(found: Sequence[Subject]) -> list[Row]:
    read = [s.results.errors for s in found]
    return [
        r
        for key, name in (
            ("energy_rmse_mev_per_atom", "energy RMSE, held out (meV/atom)"),
            ("force_rmse_mev_per_a", "force RMSE, held out (meV/Å)"),
            ("relative_force_rmse", "force RMSE over RMS force"),
        )
        for r in _some(name, "difference", [e.get(key) for e in read])
    ]


def _mechanism(found: Sequence[Subject]) -> list[Row]:
    read = [s.results.rates.get("rates", {}) for s in found]
    out = []
    for name in dict.fromkeys(k for r in read for k in r):
        fits = [r.get(name, {}).get("fit") for r in read]
        values = [_estimate(f.get("activation_energy_ev")) if f else None for f in fits]
        out += _some(f"E_a of hops, {name} (eV)", "difference", values)
    return out


def _barriers(found: Sequence[Subject]) -> list[Row]:
    read = [{h["label"]: h for h in s.results.barriers.get("hops", [])} for s in found]
    out = []
    for name in dict.fromkeys(k for r in read for k in r):
        values = [
            (r[name].get("barrier_forward_ev") or {}).get("median") if name in r else None for r in read
        ]
        out += _some(f"barrier {name}, median (eV)", "difference", values)
    return out


def _cost(found: Sequence[Subject]) -> list[Row]:
    tables = [s.results.run.costs for s in found]
    hours = [sum(float(r["core_hours"]) for r in t) if t else None for t in tables]
    return _some("core hours, whole run", "ratio", hours)
