"""Acceptance before production MD: everything a potential has shown, against the bounds of the config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from dlmd.base.errors import DlmdError

VERSION = 2


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


def _energy_slopes(errors: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    bound = bounds["max_energy_slope_error"]
    for name, one in errors["trajectories"].items():
        slope = one["energy_slope"]
        if slope is None:
            continue
        # The slope is wrong by at least this much: what lies within its interval does not count.
        value = max(slope["low"] - 1, 1 - slope["high"], 0.0)
        yield _at_most(
            f"energy slope of {name}",
            "max_energy_slope_error",
            value,
            bound,
            f"energies of trajectory {name} vary {slope['value']:.2f} ({slope['low']:.2f} to {slope['high']:.2f}) times as much "
            f"as the engine's, which would change barriers likewise; the limit is {100 * bound:g} %",
            "parity.png",
        )


def _pressures(errors: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    """The potential's pressure against the engine's, where production takes its cell from the potential (no bound elsewhere)."""
    bound = bounds.get("max_pressure_error_gpa")
    if bound is None:
        return
    for name, one in errors["trajectories"].items():
        found = one["pressure_error_gpa"]
        if found is None:
            continue
        value = max(found["low"], -found["high"], 0.0)
        yield _at_most(
            f"pressure error of {name}",
            "max_pressure_error_gpa",
            value,
            bound,
            f"the pressure on {name} is {found['value']:+.2f} ({found['low']:+.2f} to {found['high']:+.2f}) GPa off the "
            f"engine's, and the cell would be wrong by as much; the limit is {bound:g} GPa (weigh the virial: "
            "training.virial_prefactor)",
            "parity.png",
        )


def _single_points(few: Mapping, bounds: Mapping[str, float]) -> Iterator[Check]:
    """Forces and energies on held-out single points, of which a trajectory has too few for a slope of its own."""
    for kind, key, what in (
        ("force", "max_force_slope_error", "forces on held-out single points are"),
        ("energy", "max_energy_slope_error", "energies of held-out single points vary"),
    ):
        slope, bound = few["after"][f"{kind}_slope"], bounds[key]
        if slope is None:
            continue
        value = max(slope["low"] - 1, 1 - slope["high"], 0.0)
        yield _at_most(
            f"{kind} slope of single points",
            key,
            value,
            bound,
            f"{what} {slope['value']:.2f} ({slope['low']:.2f} to {slope['high']:.2f}) times the labels', the limit is "
            f"{100 * bound:g} %",
            "parity.png",
        )


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
        f"{_run(trial)} died: {trial['ended']}",
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
            f"only {100 * kept:.0f} % of the {pair} bonds are whole at {t:g} K ({_run(trial)}), the limit is {100 * bound:g} %",
            _figure(trial),
        )
