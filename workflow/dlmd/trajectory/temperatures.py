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
            said.append((value, f"name {part}"))
            break
    said += _incar(folder)
    said += _logs(folder)
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


def named(name: str) -> float | None:
    """The temperature in K that a name holds, or None."""
    found = _NAMED.search(name)
    return float(found[1] or found[2]) if found else None


def _incar(folder: Path) -> list[tuple[float, str]]:
    path = folder / "INCAR"
    if not path.is_file():
        return []
    values = {float(value) for _, value in _TEBEG.findall(path.read_text(encoding="utf-8", errors="replace"))}
    return [(values.pop(), "INCAR")] if len(values) == 1 else []


def _logs(folder: Path) -> list[tuple[float, str]]:
    """Set points of thermostats that hold one temperature, of the last run in each log; else the mean of its thermo column."""
    seen = {path for pattern in LOGS for path in folder.glob(pattern) if path.is_file()}
    said = []
    for path in sorted(seen):
        text = path.read_text(encoding="utf-8", errors="replace")
        set_points = [
            value for kind, rest in _FIX.findall(text) if (value := _set_point(kind, rest)) is not None
        ]
        if set_points:
            said.append((set_points[-1], f"thermostat in {path.name}"))
        elif (mean := _thermo_mean(text)) is not None:
            said.append((mean, f"thermo in {path.name}"))
    return said


def _set_point(kind: str, rest: str) -> float | None:
    words = rest.split()
    try:
        if kind.startswith(("nvt", "npt")):
            at = words.index("temp")
            start, stop = float(words[at + 1]), float(words[at + 2])
        else:
            start, stop = float(words[0]), float(words[1])
    except (ValueError, IndexError):
        return None
    return start if start == stop else None


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
