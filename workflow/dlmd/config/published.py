"""The file of measured and published values that is printed beside a run's own: read, with its form checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, ValidationError

from dlmd.base.errors import DlmdError, similar_file
from dlmd.base.units import BOLTZMANN_EV_PER_K

Values = dict[str, float]
_KEY = "material.reference"


class Conductivity(BaseModel):
    """Conductivities (mS/cm) at one temperature (K), by source."""

    temperature_k: float
    values: Values


class Lattice(BaseModel):
    """Lattice parameters (Å, degrees) of one source and occupancy; those that are left out are not printed."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    label: str
    occupancy: str


class Published(BaseModel):
    """All sections of such a file; each may be left out."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    conductivity_ms_per_cm: Conductivity | None = None
    activation_energy_ev: Values = {}
    haven_ratio: Values = {}
    potential_errors: Values = {}
    rdf_first_peak_a: Values = {}
    neb_barriers_ev: Values = {}
    cost: Values = {}
    lattice: list[Lattice] = []
    notes: list[str] = []


class PublishedPoint(NamedTuple):
    """A published conductivity (mS/cm) at one temperature (K), and its source's activation energy (eV) where it has one."""

    temperature_k: float
    ms_per_cm: float
    activation_energy_ev: float | None = None

    def ln_sigma_t(self, temperatures_k: ArrayLike) -> np.ndarray:
        """(temperatures,): ln(σT / (mS/cm K)) along the published line, ln(σT) = ln A - E_a / (k_B T); NaN away from the point
        itself where there is no E_a."""
        t = np.asarray(temperatures_k, dtype=float)
        energy = np.nan if self.activation_energy_ev is None else self.activation_energy_ev
        # not energy * 0 at the point itself: that is NaN without an energy
        away = np.where(
            t == self.temperature_k, 0.0, energy / BOLTZMANN_EV_PER_K * (1 / t - 1 / self.temperature_k)
        )
        return np.log(self.ms_per_cm * self.temperature_k) - away

    def at(self, temperature_k: float) -> float | None:
        """Its conductivity (mS/cm) at another temperature; None where it is a point alone."""
        if self.activation_energy_ev is None:
            return None
        return float(np.exp(self.ln_sigma_t(temperature_k)) / temperature_k)


def conductivities(published: Mapping[str, Any]) -> dict[str, PublishedPoint]:
    """The conductivities of what `read` returns, by source; none where it has no such section."""
    section = published.get("conductivity_ms_per_cm")
    if not section:
        return {}
    energies = published.get("activation_energy_ev") or {}
    return {
        label: PublishedPoint(section["temperature_k"], value, energies.get(label))
        for label, value in section["values"].items()
    }


def read(path: str | Path | None) -> dict[str, Any]:
    """What the file says, as it is written; nothing where there is none.

    Raises
    ------
    DlmdError
        for what is no such file: absent, a folder, no YAML, or of another form.
    """
    if path is None:
        return {}
    if Path(path).is_dir():
        raise DlmdError(
            "a folder, not a file", where=f"{path}, key {_KEY}", remedy="name the YAML file in it"
        )
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        remedy = similar_file(path) or "correct the path or set it to null"
        raise DlmdError(f"no such file: {path}", where=f"key {_KEY}", remedy=remedy) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", error)
        raise DlmdError(
            f"no valid YAML: {problem}",
            where=f"{path}{line}",
            remedy="mend it, or set material.reference to null",
        ) from None
    if not isinstance(data, dict):
        raise DlmdError(
            "the file holds no published values",
            where=str(path),
            remedy="see config/reference/Li3TiCl6.yaml for its form, or set material.reference to null",
        )
    try:
        Published.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise DlmdError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg'][0].lower()}{first['msg'][1:]}",
            where=str(path),
            remedy="see config/reference/Li3TiCl6.yaml for its form",
        ) from None
    return data
