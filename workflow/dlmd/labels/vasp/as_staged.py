"""Whether output is what was staged: of that level, on that structure, with moments in the range the level expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp_tags import METHOD, minimises
from dlmd.config.levels.vasp_tags import MOTION as MOTION_TAGS
from dlmd.labels.vasp import inputs, verify
from dlmd.labels.vasp.continuation import SAME_STRUCTURE_A, moved
from dlmd.labels.vasp.frames import Frame, Run
from dlmd.labels.vasp.kinds import ELECTRONS, KINDS, SOME_DISPERSION, found_kinds
from dlmd.labels.vasp.potcar import titel_name

# Compared where the output tells them, with the rounding of VASP's echoes. Parallelisation may differ.
LEVEL = {"ENCUT": 0.05, "ISPIN": 0, "GGA": None, "LASPH": None, "VOSKOWN": 0, "LDAU": None}
PLUS_U = {"LDAUTYPE": 0, "LDAUL": 0, "LDAUU": 0.05, "LDAUJ": 0.05}
NUMERICS = {"ISMEAR": 0, "SIGMA": 0.006, "PREC": None}
DYNAMICS = {"IBRION": 0, "ISIF": 0, "POTIM": 1e-4, "TEBEG": 0.06, "TEEND": 0.06}
COMPARED = {*LEVEL, *PLUS_U, *NUMERICS, *DYNAMICS, "EDIFF", "LREAL", "NELECT"}
NOT_TOLD = "not told"
# from this ISIF on VASP computes the whole stress
WHOLE_STRESS = 2
# IBRION of finite differences and linear response, which displace atoms whatever NSW is
DISPLACING = (5, 6, 7, 8)
# a force at the end of a relaxation, over EDIFFG, beyond which atoms were not free; VASP takes off a drift
FREE_FORCE = 1.5
# an atom that has moved by less (Å) in all of a trajectory was held
HELD_A, FEWEST_STEPS = 1e-4, 4
# by the role of a step
MOTION = {"relax": {"IBRION": 0, "ISIF": 0}, "static": {"NSW": 1}}
SAME_START_A = 1e-3
# first word of the TITELs of a family
POTENTIALS = {
    "PW91": "PAW_GGA",
    "PBE": "PAW_PBE",
    "PBE_52": "PAW_PBE",
    "PBE_54": "PAW_PBE",
    "PBE_64": "PAW_PBE",
}
OTHER_START = "bring back the results of this job; where it was staged anew since, move run* out of this folder and run it again"
# digits of fractions and weights of k-points
KPOINT_ROUNDING, WEIGHT_ROUNDING = 1e-4, 1e-3
# an OUTCAR prints EDIFF and EDIFFG with one digit
EDIFF_ROUNDING = 1.6


def setting_mismatches(run: Run, job: Mapping, step: Mapping) -> list[str]:
    """Where the run's settings, species, potentials or k-points differ from what was staged; empty if nowhere."""
    tags = step["tags"]
    wanted = LEVEL | NUMERICS
    if "METAGGA" in tags:
        del wanted["GGA"]  # which is then that of the potentials
    if tags.get("LDAU"):
        wanted |= PLUS_U
    wanted |= DYNAMICS if job["kind"] == "aimd" else MOTION.get(step["role"], {})
    wrong = told_mismatches(run, tags, wanted)
    if (run.species, run.counts) != (job["species"], job["counts"]):
        wrong.append(f"atoms are {run.species} {run.counts}, staged {job['species']} {job['counts']}")
    names = [titel_name(t) for t in run.titels]
    if names != job["potcar"]["names"]:
        wrong.append(f"potentials are {names}, staged {job['potcar']['names']}")
    family = POTENTIALS.get(job["potcar"]["family"])
    for titel, staged in zip(run.titels, job["potcar"]["titels"], strict=False):
        if staged is not None and titel.split() != staged.split():
            wrong.append(f"potential is '{titel}', staged '{staged}'")
        elif family and titel.split()[0] != family:
            wrong.append(f"potential is '{titel}', staged one of {family}")
    wrong += kpoint_mismatches(run, job["kpoints"]) + ground_state_mismatches(run, tags)
    wrong += kind_mismatches(run, tags) + number_mismatches(run, tags) + motion_mismatches(run, step["role"])
    if run.incar is not None:
        staged_tags = dict(tags) | ({} if job["moments"] is None else {"MAGMOM": job["moments"]})
        # how far a relaxation went is judged by its forces
        aside = inputs.ASIDE | METHOD | {"EDIFFG"}
        wrong += inputs.tag_mismatches(run.incar, staged_tags, aside=aside, whole=False)
    # the images of a band share the inputs of its run
    folder = run.path.parent.parent if step["role"] == "neb" else run.path.parent
    wrong += inputs.file_mismatches(folder, tags, job)
    if step["role"] == "relax" and (folder / "custodian.json").is_file():
        wrong = [text for text in wrong if not _mended(text)]
    wrong += inputs.start_mismatches(folder, tags, job)
    if not any((folder / name).is_file() for name in ("INCAR", inputs.FILE)) and step["role"] != "neb":
        wrong += untold_mismatches(run, tags)
    # one word for each tag, though several files may tell of it
    told: dict[str, str] = {}
    for text in wrong:
        told.setdefault(text.split()[0], text)
    return list(told.values())


def told_mismatches(run: Run, tags: Mapping, wanted: Mapping[str, float | None]) -> list[str]:
    """Where the settings that the output tells of differ from the tags; `wanted` has those compared, with their rounding."""
    meant = {"LDAU": False, "VOSKOWN": 0, "TEEND": tags.get("TEBEG")} | dict(tags)
    return [
        f"{name} is {_show(run.settings[name])}, staged {_show(meant.get(name, inputs.ABSENT))}"
        for name, tolerance in wanted.items()
        if run.settings.get(name) is not None
        and not _same(name, run.settings[name], meant.get(name), tolerance)
    ]


def _mended(text: str) -> bool:
    """Whether custodian may have changed this to bring a relaxation to its end; the energy is that of the static run after it."""
    return text.startswith(("IBRION is", "ADDGRID is T", "LREAL is F", "EDIFFG is")) or (
        text.startswith("EDIFF is") and float(text.split()[2].strip(",")) < float(text.split()[4])
    )


def kpoint_mismatches(run: Run, staged: Mapping) -> list[str]:
    """Where the k-points are not those of the staged mesh, by its subdivisions and by the points themselves."""
    mesh = np.array(staged["mesh"])
    if run.kpoints is not None and list(run.kpoints) != staged["mesh"]:
        return [f"k-mesh is {list(run.kpoints)}, staged {staged['mesh']}"]
    if run.k_points is None:
        return []
    points, weights = run.k_points[:, :3], run.k_points[:, 3] / run.k_points[:, 3].sum()
    shift = np.zeros(3) if staged["centring"] == "gamma" else 0.5 * (mesh % 2 == 0)
    away = points * mesh - shift
    on_mesh = bool((np.abs(away - np.round(away)) < KPOINT_ROUNDING * mesh).all())
    # Γ stands for itself alone
    centre = weights[np.abs(points).max(axis=1) < KPOINT_ROUNDING]
    share = 1 / mesh.prod()
    if on_mesh and (not len(centre) or abs(centre[0] - share) < 0.1 * share + WEIGHT_ROUNDING):
        return []
    return [f"k-points are {len(points)} of another mesh, staged {staged['centring']} {staged['mesh']}"]


def ground_state_mismatches(run: Run, tags: Mapping) -> list[str]:
    """Where the electrons were not taken to their own ground state."""
    wrong = []
    told = dict(run.incar or {}) | run.settings
    for name in ("ICHARG", "IALGO", "ALGO"):
        found = told.get(name)
        if found is not None and not minimises(name, found):
            wrong.append(
                f"{name} is {inputs.show(found)}, staged {inputs.show(tags.get(name, inputs.ABSENT))}"
            )
    return wrong


def motion_mismatches(run: Run, role: str) -> list[str]:
    """Where the stress is not computed whole, forces hold springs between images, or a single point moves its atoms."""
    if role == "neb":
        return []
    wrong = []
    stress, mover = (run.settings.get(name) for name in ("ISIF", "IBRION"))
    if stress is not None and float(stress) < WHOLE_STRESS:
        wrong.append(f"ISIF is {stress}, staged {WHOLE_STRESS}")
    if run.settings.get("CHAIN"):
        wrong.append("IMAGES is set, staged absent")
    if role == "static" and mover is not None and int(float(mover)) in DISPLACING:
        wrong.append(f"IBRION is {mover}, staged -1")
    return wrong


def untold_mismatches(run: Run, tags: Mapping) -> list[str]:
    """Staged tags that decide numbers, and that nothing which was brought back tells of or that it tells otherwise."""
    told = found_kinds(run)
    wrong = []
    for name in sorted(
        set(tags) - inputs.ASIDE - METHOD - MOTION_TAGS - {"EDIFFG", *(run.incar or {}), *told}
    ):
        found = run.settings.get(name)
        if found is None and not name.startswith("VDW_"):
            wrong.append(f"{name} is {NOT_TOLD}, staged {inputs.show(tags[name])}")
        elif found is not None and name not in COMPARED and not inputs.same(name, found, tags[name]):
            wrong.append(f"{name} is {inputs.show(found)}, staged {inputs.show(tags[name])}")
    return wrong


def kind_mismatches(run: Run, tags: Mapping) -> list[str]:
    """Where the functional is of another kind, or the cell carries a charge, a field or a pressure that was not staged."""
    wrong = []
    meant = KINDS | {name: inputs.show(tags[name]) for name in KINDS if name in tags}
    if "LSORBIT" in tags and "LNONCOLLINEAR" not in tags:
        meant["LNONCOLLINEAR"] = meant["LSORBIT"]
    for name, found in found_kinds(run).items():
        same = inputs.same(name, found, meant[name])
        if name == "IVDW" and found == SOME_DISPERSION:
            same = float(meant[name]) > 0
        if not same:
            wrong.append(f"{name} is {found}, staged {meant[name]}")
    return wrong


def number_mismatches(run: Run, tags: Mapping) -> list[str]:
    """Where the number of electrons, their convergence or the projection differ from what was staged."""
    wrong = []
    electrons, neutral = run.settings.get("NELECT"), tags.get("NELECT", run.neutral_electrons)
    if electrons is not None and neutral is not None and abs(float(electrons) - neutral) > ELECTRONS:
        charge = f" (a charge of {neutral - float(electrons):+g})" if "NELECT" not in tags else ""
        wrong.append(f"NELECT is {float(electrons):g}, staged {neutral:g}{charge}")
    ediff = run.settings.get("EDIFF")
    # a vasprun.xml shows less than 5e-9 as 0
    if ediff is not None and float(ediff) > 0 and "EDIFF" in tags:
        ratio = float(ediff) / float(tags["EDIFF"])
        if not 1 / EDIFF_ROUNDING < ratio < EDIFF_ROUNDING and abs(float(ediff) - tags["EDIFF"]) > 1e-8:
            wrong.append(f"EDIFF is {float(ediff):g}, staged {tags['EDIFF']:g}")
    exact = "EDIFFG" in (run.incar or {})
    limit = verify.number((run.incar or {})["EDIFFG"] if exact else run.settings.get("EDIFFG"))
    if limit is not None and "EDIFFG" in tags:
        # a tighter one is none the worse; a positive one is an energy
        if not 0 > limit >= (1.001 if exact else EDIFF_ROUNDING) * tags["EDIFFG"]:
            wrong.append(f"EDIFFG is {limit:g}, staged {tags['EDIFFG']:g}")
    real = run.settings.get("LREAL")
    if real is not None and "LREAL" in tags:
        found, meant = (str(v).strip(". ").upper()[:1] != "F" for v in (real, tags["LREAL"]))
        if found != meant:
            wrong.append(f"LREAL is {real}, staged {tags['LREAL']}")
    return wrong


def _same(name: str, found: Any, meant: Any, tolerance: float | None) -> bool:
    if isinstance(found, list | tuple | np.ndarray) or isinstance(meant, list | tuple):
        found, meant = np.atleast_1d(found), np.atleast_1d(meant)
        return len(found) == len(meant) and np.allclose(
            np.array(found, float), np.array(meant, float), atol=tolerance
        )
    if tolerance is None:
        # the first letter is all that VASP reads of PREC, and of a logical
        length = 1 if name != "GGA" else 2
        return _text(found)[:length] == _text(meant)[:length]
    return abs(float(found) - float(meant)) <= tolerance


def _text(value: object) -> str:
    return str(value).strip(". ").upper()


def _show(value: object) -> str:
    return " ".join(f"{v:g}" for v in value) if isinstance(value, list | tuple) else str(value)


def require_level(run: Run, job: Mapping, step: Mapping) -> None:
    """Raise DlmdError if the run is not of the staged level, numerics or atoms."""
    wrong = setting_mismatches(run, job, step)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise DlmdError(
            f"these results are not of the staged inputs: {wrong[0]}{more}",
            where=str(run.path),
            remedy="bring back the INCAR and inputs.json of the run too"
            if f"is {NOT_TOLD}" in wrong[0]
            else "run the staged inputs unchanged; where the level was changed, move these results away or give it a "
            "new name: levels are never mixed",
        )


def require_start(run: Run, job: Mapping) -> None:
    """Raise DlmdError if the first run of a job does not begin with the staged structure."""
    first = next((f for f in run.frames if f.whole), None)
    if first is None:
        return
    cell = np.array(job["cell_angstrom"])
    staged = np.array(job["scaled_positions"]) @ cell
    same_cell = np.allclose(first.cell, cell, atol=1e-4)
    if first.step > 1:
        # what came before cannot be read
        staged = np.linalg.solve(cell.T, staged.T).T @ first.cell
        cell, same_cell = first.cell, same_cell or job["kind"] == "relax"
    if not same_cell:
        raise DlmdError(
            "the run begins with another cell than was staged",
            where=str(run.path),
            remedy=OTHER_START,
        )
    far = moved(cell, staged, first.positions).max()
    if far > (SAME_START_A if first.step == 1 else SAME_STRUCTURE_A):
        raise DlmdError(
            f"the run begins with another structure than was staged: an atom is {far:.3f} Å away",
            where=str(run.path),
            remedy=OTHER_START,
        )


def require_relaxed(frame: Frame, run: Run, step: Mapping) -> None:
    """Raise DlmdError if a relaxation ended with forces on atoms that were not free to move."""
    limit = -float(step["tags"]["EDIFFG"])
    assert frame.forces is not None
    largest = float(np.linalg.norm(frame.forces, axis=1).max())
    if largest > FREE_FORCE * limit:
        raise DlmdError(
            f"a force is {largest:.3g} eV/Å at the end of the relaxation, staged {limit:g}: atoms were held fixed",
            where=str(run.path),
            remedy="run the staged POSCAR, in which no atom is held (selective dynamics)",
        )


def require_moving(frames: Sequence[Frame], where: str) -> None:
    """Raise DlmdError if atoms stay where they are in dynamics of others."""
    whole = [frame for frame in frames if frame.positions is not None and frame.cell is not None]
    if len(whole) < FEWEST_STEPS:
        return
    first = whole[0]
    far = np.max([moved(first.cell, first.positions, frame.positions) for frame in whole], axis=0)
    held = int((far < HELD_A).sum())
    if held and far.max() >= HELD_A:
        raise DlmdError(
            f"{held} of {len(far)} atoms never move: they were held fixed",
            where=where,
            remedy="run the staged POSCAR, in which no atom is held (selective dynamics)",
        )


def moments_in_range(frame: Frame, job: Mapping) -> bool | None:
    """Whether every |moment| is in the range of its element; None where no range is set or no moments were printed."""
    if not job["moment_range"] or frame.moments is None:
        return None
    symbols = [s for s, n in zip(job["species"], job["counts"], strict=True) for _ in range(n)]
    return all(
        job["moment_range"][s][0] <= abs(m) <= job["moment_range"][s][1]
        for s, m in zip(symbols, frame.moments, strict=True)
        if s in job["moment_range"]
    )
