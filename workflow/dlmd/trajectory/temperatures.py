"""The temperature of somebody's run: from the name of its file or folder, VASP's INCAR, or LAMMPS' log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dlmd.base.errors import DlmdError

# "600K", "T600", "T_600", "600_K", "nvt-600K.dump"
_NAMED = re.compile(r"(?:^|[^A-Za-z0-9.])(?:T[_=-]?(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)[_-]?K)(?![A-Za-z0-9])")
_FIX = re.compile(r"^\s*fix\s+\S+\s+\S+\s+(nvt|npt|langevin|temp/\S+|nvt/\S+|npt/\S+)\b(.*)$", re.MULTILINE)
_TEBEG = re.compile(r"^\s*TE(BEG|END)\s*=\s*([\d.]+)", re.MULTILINE | re.IGNORECASE)
LOGS = ("log.lammps", "*.log", "log.*")
# Two sources that differ by less than this fraction agree: a mean of thermo scatters about its set point.
_AGREE = 0.05


@dataclass(frozen=True)
class Found:
    """A temperature, and every source that gave one."""

    temperature_k: float
    sources: tuple[str, ...]


def temperature_of(path: Path) -> Found:
    """The temperature of a run, from all sources that there are.

    Raises
    ------
    DlmdError
        where there is none, or two contradict each other.
    """
    folder = path if path.is_dir() else path.parent
    said: list[tuple[float, str]] = []
    for part in (path.name, path.resolve().parent.name if path.is_file() else ""):
        if (value := named(part)) is not None:
            _require_one(part, path)
            said.append((value, f"name {part}"))
            break
    said += _incar(folder)
    said += _logs(folder)
    above = path.resolve().parent.name
    if not said and path.is_dir() and (value := named(above)) is not None:
        _require_one(above, path)
        said.append((value, f"name {above}"))
    if not said:
        raise DlmdError(
            "the temperature is unknown",
            where=str(path),
            remedy="name files or folders by it, such as 600K, keep LAMMPS' log or VASP's INCAR beside, or run `dlmd transport "
            "--temperature K` for each",
        )
    value, source = said[0]
    for other, words in said[1:]:
        if abs(other / value - 1) > _AGREE:
            raise DlmdError(
                f"{value:g} K by its {source}, {other:g} K by its {words}",
                where=str(path),
                remedy="rename the run, or remove the file that is not of it",
            )
    return Found(value, tuple(words for _, words in said))


def _require_one(name: str, path: Path) -> None:
    values = dict.fromkeys(float(t or k) for t, k in _NAMED.findall(name))
    if len(values) > 1:
        raise DlmdError(
            f"the name {name} has several temperatures: {', '.join(f'{value:g} K' for value in values)}",
            where=str(path),
            remedy="name the run by the one it was held at, or run `dlmd transport --temperature K` for it",
        )


def _ramp(words: str, start: float, stop: float, path: Path) -> DlmdError:
    return DlmdError(
        f"the run goes from {start:g} K to {stop:g} K by its {words}: it has no one temperature",
        where=str(path),
        remedy="give the part of it that was held at one temperature",
    )


def named(name: str) -> float | None:
    """The temperature in K that a name holds, or None."""
    found = _NAMED.search(name)
    return float(found[1] or found[2]) if found else None


def _incar(folder: Path) -> list[tuple[float, str]]:
    path = folder / "INCAR"
    if not path.is_file():
        return []
    tags = {
        kind.upper(): float(v)
        for kind, v in _TEBEG.findall(path.read_text(encoding="utf-8", errors="replace"))
    }
    values = set(tags.values())
    if len(values) > 1:
        raise _ramp("INCAR", tags["BEG"], tags["END"], path)
    return [(values.pop(), "INCAR")] if len(values) == 1 else []


def _logs(folder: Path) -> list[tuple[float, str]]:
    """Set points of thermostats that hold one temperature, of the last run in each log; else the mean of its thermo column."""
    seen = {path for pattern in LOGS for path in folder.glob(pattern) if path.is_file()}
    said = []
    for path in sorted(seen):
        text = path.read_text(encoding="utf-8", errors="replace")
        set_points = [
            held for kind, rest in _FIX.findall(text) if (held := _set_point(kind, rest)) is not None
        ]
        if set_points:
            start, stop = set_points[-1]
            if start != stop:
                raise _ramp("thermostat", start, stop, path)
            said.append((start, f"thermostat in {path.name}"))
        elif (mean := _thermo_mean(text)) is not None:
            said.append((mean, f"thermo in {path.name}"))
    return said


def _set_point(kind: str, rest: str) -> tuple[float, float] | None:
    """Temperatures in K at the start and at the end; None where they are variables."""
    words = rest.split()
    try:
        if kind.startswith(("nvt", "npt")):
            at = words.index("temp")
            return float(words[at + 1]), float(words[at + 2])
        return float(words[0]), float(words[1])
    except (ValueError, IndexError):
        return None


def _thermo_mean(text: str) -> float | None:
    """Mean of the column Temp over the second half of the last table of a LAMMPS log, in whole kelvin."""
    values: list[float] = []
    column = None
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["Step"] and "Temp" in words:
            column, values = words.index("Temp"), []
        elif column is not None and len(words) > column:
            try:
                int(words[0])
                values.append(float(words[column]))
            except ValueError:
                column = None
    late = values[len(values) // 2 :]
    return round(sum(late) / len(late)) if late else None
