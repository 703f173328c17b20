"""Acceptance before production MD: everything a potential has shown, against the bounds of the config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from dlmd.base.errors import DlmdError

VERSION = 3

# kinds of what is measured with an interval -> key of the record, ideal, unit
FORCE_SLOPE, ENERGY_SLOPE, PRESSURE_ERROR = "force slope", "energy slope", "pressure error"
STORED = {
    FORCE_SLOPE: ("force_slope", 1.0, ""),
    ENERGY_SLOPE: ("energy_slope", 1.0, ""),
    PRESSURE_ERROR: ("pressure_error_gpa", 0.0, "GPa"),
}
SINGLE_POINTS = "single points"
# Label trajectories up to this times production's hottest temperature are asked whether anions meet.
_HOTTER = 1.25


@dataclass(frozen=True)
class Check:
    """One number against its bound. `key` is the bound's name in the config's section validation, `text` what was found in
    words, `figure` what to look at."""

    name: str
    key: str
    value: float
    bound: float
    ok: bool
    text: str
    figure: str


@dataclass(frozen=True)
class Measured:
    """A number with its 95 % interval that a check judges by: only what lies beyond the interval counts, so that few held-out
    frames pass undecided. `kind` is what was measured and `subject` on which frames; `ideal` is what a perfect potential has."""

    kind: str
    subject: str
    value: float
    low: float
    high: float
    ideal: float
    frames: int
    unit: str = ""

    @property
    def name(self) -> str:
        """Name of its check."""
        return f"{self.kind} of {self.subject}"

    @property
    def excess(self) -> float:
        """How far off the ideal it is at least."""
        return max(self.low - self.ideal, self.ideal - self.high, 0.0)

    def decided(self, bound: float) -> bool:
        """Whether the whole interval is on one side of the bound."""
        within = self.ideal - bound <= self.low and self.high <= self.ideal + bound
        return within or not self.excess <= bound

    def undecided(self, bound: float) -> str:
        """That the frames do not decide it, in words; empty where they do."""
        return "" if self.decided(bound) else f"not decided by {self.frames} held-out frames"


def measured(errors: Mapping | None, few: Mapping | None = None) -> dict[str, Measured]:
    """By name of their check, all numbers with intervals (errors.json and few_labels.json, as `checks`)."""
    found = [
        one
        for name, held_out in (errors or {}).get("trajectories", {}).items()
        for kind in (ENERGY_SLOPE, PRESSURE_ERROR)
        for one in _measured(kind, name, held_out)
    ]
    after = (few or {}).get("after", {})
    for kind in (FORCE_SLOPE, ENERGY_SLOPE):
        found += _measured(kind, SINGLE_POINTS, after)
    return {one.name: one for one in found}


def _measured(kind: str, subject: str, stored: Mapping) -> list[Measured]:
    """The estimate of this kind from the record of some frames, if it has one."""
    key, ideal, unit = STORED[kind]
    if stored.get(key) is None:
        return []
    value, low, high = (stored[key][name] for name in ("value", "low", "high"))
    return [Measured(kind, subject, value, low, high, ideal, stored["frames"], unit)]


def checks(
    errors: Mapping | None,
    trials: Sequence[Mapping],
    committee: Mapping | None,
    bounds: Mapping[str, float],
    few: Mapping | None = None,
) -> list[Check]:
    """All checks of one level.

    Parameters
    ----------
    errors
        errors.json of potential 0, see `dlmd.validation.errors`; None where a potential is given and no labels to judge it by.
    trials
        trial/<m>.json of every potential that production uses, see `dlmd.validation.jobs`.
    committee
        committee.json, or None where there is one potential only.
    bounds
        The config's section validation; without max_pressure_error_gpa the pressure is not judged.
    few
        few_labels.json of a level that starts from another, see `dlmd.validation.few_labels`, or None.
    """
    return [
        *(_force_errors(errors, bounds) if errors else ()),
        *(_energy_slopes(errors, bounds) if errors else ()),
        *(_pressures(errors, bounds) if errors else ()),
        *(_single_points(few, bounds) if few else ()),
        *(_members(committee, trials, bounds) if committee else ()),
        *(check for trial in trials for check in _trial(trial, bounds)),
    ]


def met_anions(met: Mapping, bounds: Mapping[str, float], *, hottest_k: float) -> list[Check]:
    """The check of the engine's own label trajectories up to a quarter hotter than production, by the worst of them: what happens
    in half a picosecond there happens in production's longer runs.

    Parameters
    ----------
    met
        met_anions.json, see `dlmd.validation.met_anions`.
    """
    cool = {n: one for n, one in met["trajectories"].items() if one["temperature_k"] <= _HOTTER * hottest_k}
    if not cool:
        return []
    name, worst = max(cool.items(), key=lambda item: item[1]["share"])
    value, bound = worst["share"], bounds["max_met_anions"]
    text = "no anions meet in the engine's own trajectories"
    if value:
        text = f"in the engine's own trajectory {name} {worst['pair']} bonds form in {100 * value:.1f} % of the frames, "
        text += f"the limit is {100 * bound:g} %"
    if value > bound:
        text += ": its host comes apart, which no training mends: take another level, or colder production"
    return [
        _at_most("anions that meet in the labels", "max_met_anions", value, bound, text, "met_anions.json")
    ]


def require(found: Sequence[Check], *, where: str) -> dict:
    """What accepted.json holds.

    Raises
    ------
    DlmdError
        naming every check that failed, with its bound and the figures to look at.
    """
    failed = [check for check in found if not check.ok]
    if failed:
        figures = ", ".join(dict.fromkeys(check.figure for check in failed))
        keys = ", ".join(dict.fromkeys(check.key for check in failed if check.key))
        raise DlmdError(
            "the potential is not good enough for production: " + "; ".join(check.text for check in failed),
            where=f"{where}, see {figures}",
            remedy="train longer (training.steps) or add label trajectories like those that fail"
            + (f"; the bounds are validation.{keys}" if keys else ""),
        )
    return {"accepted": True, "checks": [asdict(check) for check in found]}


def _at_most(name: str, key: str, value: float, bound: float, text: str, figure: str) -> Check:
    # written so that NaN fails
    return Check(name, key, value, bound, bool(value <= bound), text, figure)


def _force_errors(errors: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    value, bound = errors["relative_force_rmse"], bounds["max_relative_force_rmse"]
    yield _at_most(
        "force error",
        "max_relative_force_rmse",
        value,
        bound,
        f"force RMSE {errors['force_rmse_mev_per_a']:.0f} meV/Å is {100 * value:.1f} % of the RMS force on held-out "
        f"trajectories, the limit is {100 * bound:g} %",
        "parity.png",
    )
    bound = bounds["max_trajectory_force_rmse"]
    for name, one in errors["trajectories"].items():
        value = one["relative_force_rmse"]
        yield _at_most(
            f"force error of {name}",
            "max_trajectory_force_rmse",
            value,
            bound,
            f"on trajectory {name} it is {100 * value:.1f} %, the limit is {100 * bound:g} %",
            "parity.png",
        )


def _within(key: str, found: Measured, bound: float, text: str, *, beyond: str = "") -> Check:
    """A check that counts only what lies beyond the interval; where that decides nothing, its text says so, and where it fails,
    what follows (`beyond`)."""
    remark = found.undecided(bound)
    text += f"; {remark}: the interval reaches beyond it" if remark else ""
    text += f"; {beyond}" if beyond and not found.excess <= bound else ""
    return _at_most(found.name, key, found.excess, bound, text, "parity.png")


def _of_kind(errors: Mapping, kind: str) -> Iterator[Measured]:
    yield from (found for found in measured(errors).values() if found.kind == kind)


def _energy_slopes(errors: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    bound = bounds["max_energy_slope_error"]
    for found in _of_kind(errors, ENERGY_SLOPE):
        yield _within(
            "max_energy_slope_error",
            found,
            bound,
            f"energies of trajectory {found.subject} vary {_shown(found)} times as much as the engine's, the limit is "
            f"{100 * bound:g} %",
            beyond="barriers would be wrong by as much",
        )


def _pressures(errors: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    """The potential's pressure against the engine's, where production takes its cell from the potential (no bound elsewhere)."""
    bound = bounds.get("max_pressure_error_gpa")
    if bound is None:
        return
    for found in _of_kind(errors, PRESSURE_ERROR):
        yield _within(
            "max_pressure_error_gpa",
            found,
            bound,
            f"the pressure on {found.subject} is {_shown(found, '+.2f')} GPa off the engine's, the limit is {bound:g} GPa",
            beyond="the cell would be wrong by as much (weigh the virial: training.virial_prefactor)",
        )


def _single_points(few: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    """Forces and energies on held-out single points, of which a trajectory has too few for a slope of its own."""
    words = {
        FORCE_SLOPE: ("max_force_slope_error", "forces on held-out single points are"),
        ENERGY_SLOPE: ("max_energy_slope_error", "energies of held-out single points vary"),
    }
    for found in measured(None, few).values():
        key, what = words[found.kind]
        bound = bounds[key]
        text = f"{what} {_shown(found)} times the labels', the limit is {100 * bound:g} %"
        yield _within(key, found, bound, text)


def _shown(found: Measured, form: str = ".2f") -> str:
    return f"{found.value:{form}} ({found.low:{form}} to {found.high:{form}})"


def _members(committee: Mapping, trials: Sequence[Mapping], bounds: Mapping[str, float]) -> Iterator[Check]:
    """Force errors of the other potentials that production uses."""
    bound = bounds["max_relative_force_rmse"]
    for trial in trials:
        m = trial["potential"]
        if m:
            value = committee["relative_force_rmse"][m]
            yield _at_most(
                f"force error of potential {m}",
                "max_relative_force_rmse",
                value,
                bound,
                f"force RMSE of potential {m} is {100 * value:.1f} % of the RMS force, the limit is {100 * bound:g} %",
                "committee.png",
            )


def _trial(trial: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    m, survived = trial["potential"], not trial["ended"]
    yield Check(
        f"survival, potential {m}",
        "",
        float(survived),
        1.0,
        survived,
        f"{_run(trial)} lasted" if survived else f"{_run(trial)} died: {trial['ended']}",
        _figure(trial),
    )
    if not survived:
        return
    yield from _conservation(trial, bounds)
    yield from _host_bonds(trial, bounds)
    if trial["rdf"] is not None:
        value, bound = trial["rdf"]["difference"], bounds["max_rdf_difference"]
        yield _at_most(
            f"RDF, potential {m}",
            "max_rdf_difference",
            value,
            bound,
            f"RDFs differ from the engine's by {value:.3f} ({_run(trial)}; most {trial['rdf']['worst']}), the limit is {bound:g}",
            _figure(trial),
        )
    if trial["relative_deviation"] is not None:
        value, bound = trial["relative_deviation"], bounds["max_relative_deviation"]
        yield _at_most(
            f"committee, potential {m}",
            "max_relative_deviation",
            value,
            bound,
            f"the committee disagrees by {100 * value:.0f} % of the RMS force at {trial['temperature_k']:g} K ({_run(trial)}), "
            f"the limit is {100 * bound:g} %",
            _figure(trial),
        )


def _run(trial: Mapping) -> str:
    return f"the trial run of potential {trial['potential']}"


def _figure(trial: Mapping) -> str:
    return f"trial/{trial['potential']}.png"


def _conservation(trial: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    """Energy and temperature in NVE."""
    m, t = trial["potential"], trial["temperature_k"]
    drift, bound = abs(trial["energy_drift_mev_per_atom_ps"]), bounds["max_energy_drift_mev_per_atom_ps"]
    yield _at_most(
        f"energy drift, potential {m}",
        "max_energy_drift_mev_per_atom_ps",
        drift,
        bound,
        f"the energy drifts by {drift:.2g} meV per atom and ps in NVE at {t:g} K ({_run(trial)}), the limit is {bound:g}",
        _figure(trial),
    )
    error, bound = abs(trial["temperature_error"]), bounds["max_temperature_error"]
    yield _at_most(
        f"temperature, potential {m}",
        "max_temperature_error",
        error,
        bound,
        f"the temperature leaves {t:g} K by {100 * error:.0f} % in NVE ({_run(trial)}), the limit is {100 * bound:g} %",
        _figure(trial),
    )


def _host_bonds(trial: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    m, t, bound = trial["potential"], trial["temperature_k"], bounds["min_host_coordination"]
    for pair, bonds in trial["host_coordination"].items():
        kept = bonds["kept"]
        yield Check(
            f"{pair} bonds, potential {m}",
            "min_host_coordination",
            kept,
            bound,
            bool(kept >= bound),
            f"{100 * kept:.0f} % of the {pair} bonds are whole at {t:g} K ({_run(trial)}), the limit is {100 * bound:g} %",
            _figure(trial),
        )
