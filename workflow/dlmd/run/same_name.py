"""Whose a run's folder is: configs that share a run name would write into one results/<run>."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dlmd.base.errors import DlmdError
from dlmd.base.files import read_json
from dlmd.config.run_config import RunConfig
from dlmd.run import tree

CONFIGS = "config"


def configs_of(run: str, *, folder: Path | str = CONFIGS) -> list[str]:
    """Config files of a folder whose run has this name, or one that some file systems take for it."""
    return [
        str(path) for path in sorted(Path(folder).glob("*.y*ml")) if _name(path).casefold() == run.casefold()
    ]


def _name(path: Path) -> str:
    """The run name of a config, as it is written; empty where there is none."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    return str(data.get("run") or "") if isinstance(data, dict) else ""


def others(run: str, *, file: str | Path) -> list[str]:
    """Configs beside `file`, and those in config/, that have its run name too."""
    mine = Path(file).resolve()
    folders = dict.fromkeys([str(Path(file).parent), CONFIGS])
    found = [path for folder in folders for path in configs_of(run, folder=folder)]
    return list({Path(path).resolve(): path for path in found if Path(path).resolve() != mine}.values())


def recorded_config(run: str) -> str | None:
    """The config that a run's results were last made with, as its result.json has it; None where that is not known."""
    try:
        record = read_json(Path(tree.home(run)) / tree.RESULT, remedy="")
        return str(record["provenance"]["inputs"][0]["path"])
    except (DlmdError, LookupError, TypeError, OSError):
        return None


def made_elsewhere(run: str, *, file: str | Path) -> str | None:
    """The other config that a run's results were last made with; None where it is this one, is gone, or is not known."""
    made = recorded_config(run)
    gone = made is None or not Path(made).is_file()
    return None if gone or Path(str(made)).resolve() == Path(file).resolve() else made


def elements_there(run: str) -> list[str]:
    """Elements of the structures in a run's folder, sorted; empty where there are none yet."""
    pattern = tree.fill(tree.STRUCTURE_SUMMARY, occupancy="*", cell="*")
    for path in sorted(Path(tree.home(run)).glob(pattern)):
        try:
            return sorted(read_json(path, remedy="")["composition"])
        except (DlmdError, LookupError, TypeError, OSError):
            continue
    return []


def require_own_results(cfg: RunConfig, *, file: str) -> None:
    """That the results under the run's name are not those of another material.

    Raises
    ------
    DlmdError
        where its structures are of other elements.
    """
    there = elements_there(cfg.run)
    if there and set(there) != set(cfg.material.species):
        made = made_elsewhere(cfg.run, file=file)
        raise DlmdError(
            f"{tree.home(cfg.run)} has the results of another material, of {', '.join(there)}"
            + (f", made with {made}" if made else ""),
            where=f"{file}, key run",
            remedy="give another name to `run:`, or move that folder away",
        )


def free_name(wanted: str, *, file: str | Path) -> tuple[str, str | None]:
    """A run name that no other config and no results have, and what has the wanted one: None where nothing has.

    Parameters
    ----------
    file
        The config to be written; what it has made before is its own.
    """
    taken = _taken(wanted, file=file)
    number = 2
    while taken and _taken(f"{wanted}-{number}", file=file):
        number += 1
    return (f"{wanted}-{number}", taken) if taken else (wanted, None)


def _taken(run: str, *, file: str | Path) -> str | None:
    if found := others(run, file=file):
        return found[0]
    folder = Path(tree.home(run))
    made = recorded_config(run)
    mine = _name(Path(file)) == run if made is None else Path(made).resolve() == Path(file).resolve()
    return str(folder) if folder.is_dir() and not mine else None


def config_of(folder: str) -> str:
    """The config file of a run's folder: what made it, or the only one in config/ that has its name.

    Raises
    ------
    DlmdError
        for a folder that is no results/<run> below this one, for a run without config, and for one with several.
    """
    path = Path(folder)
    home = Path(tree.home(path.name))
    # a name alone is one of a run, and a run that has not begun has no folder
    if path.resolve() != home.resolve() and (len(path.parts) > 1 or path.exists()):
        raise DlmdError(
            f"not a run of this working directory: {folder}",
            where=f"the runs of {Path().resolve()} are in {home.parent}/",
            remedy=f"go to the folder in which that run was started, and give {home} or its config there",
        )
    found = [one for one in configs_of(path.name) if _name(Path(one)) == path.name]
    made = recorded_config(path.name)
    if made is not None and _name(Path(made)) == path.name:
        return next((one for one in found if Path(one).resolve() == Path(made).resolve()), made)
    if not found:
        raise DlmdError(
            f"no config of a run '{path.name}' in config/",
            where=folder,
            remedy="give the run's config file instead",
        )
    if len(found) > 1:
        raise DlmdError(
            f"several configs have the run '{path.name}': {', '.join(found)}",
            where=folder,
            remedy="give the config file that is meant, and another `run:` to the others",
        )
    return found[0]


def remarks(cfg: RunConfig, *, file: str) -> Iterator[tuple[str, str]]:
    """What shares the run's name, and how to mend it."""
    home = tree.home(cfg.run)
    for other in others(cfg.run, file=file):
        yield (
            f"{other} has the run name {cfg.run} too: both would write into {home}",
            "give one of them another name (key run)",
        )
    made = made_elsewhere(cfg.run, file=file)
    if made is not None and made not in others(cfg.run, file=file):
        yield (
            f"{home} was last made with {made}",
            "give another name to `run:` unless this config goes on with those results",
        )
