"""One run of VASP in many disguises: as results of a staged job, and as labels that are given. Both say the same of all that
decides numbers; labels that are given may come from any motion, any way to the ground state and any first moments."""

import gzip
import re
import shutil
from types import SimpleNamespace

import ase.io
import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels import given, given_theory
from dlmd.labels.vasp import as_staged, collect
from dlmd.labels.vasp.frames import Frame
from dlmd.labels.vasp.outcar import parse_outcar
from dlmd.labels.vasp.vasprun import parse_vasprun
from vasp_bench import computed_elsewhere, crystal, library, settings

SPECIES = ["Li", "Ti", "Cl"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A single point as it was staged: its job, and what VASP 5 and 6 write of it."""
    folder = tmp_path_factory.mktemp("run")
    job, work = computed_elsewhere(folder, "elsewhere", version=6)
    new = (work / "OUTCAR").read_text()
    old = re.sub(r"^ INCAR:\n.*?(?=^ POTCAR:)", "", new, flags=re.DOTALL | re.MULTILINE)
    texts = {"OUTCAR": new, "OUTCAR of VASP 5": old, "vasprun.xml": (work / "vasprun.xml").read_text()}
    return SimpleNamespace(folder=folder, job=job, incar=(work / "INCAR").read_text(), texts=texts)


def disguised(text, **tags):
    """The output of a run with these tags of its INCAR changed, in all places where VASP tells of them."""
    for name, value in tags.items():
        if text.startswith("<?xml"):
            head, end, rest = text.partition(" </incar>")
            head = re.sub(rf'^ +<[iv][^>]* name="{name}">[^<]*</[iv]>\n', "", head, flags=re.MULTILINE)
            text = f'{head}  <i type="string" name="{name}">{value}</i>\n{end}{rest}'
            continue
        head, mark, rest = text.partition(" INCAR:\n")
        if mark:
            rest = re.sub(rf"^   {name} = .*\n", "", rest.partition(" POTCAR:")[0], flags=re.MULTILINE)
            text = f"{head}{mark}   {name} = {value}\n{rest} POTCAR:{text.partition(' POTCAR:')[2]}"
        start, shown = text.index(" POTCAR:"), {".TRUE.": "T", ".FALSE.": "F"}.get(value, value)
        text = text[:start] + re.sub(rf"\b({name}\s*=\s*)[^\s;]+", rf"\g<1>{shown}", text[start:], count=1)
    return text


def as_results(run, name, text):
    """What the gate says of it as the only output of the staged single point."""
    parse = parse_vasprun if name == "vasprun.xml" else parse_outcar
    return as_staged.setting_mismatches(
        parse(text, run.folder / "none" / name), run.job, run.job["run_steps"][0]
    )


def as_labels(folder, name, text, **level):
    """What is said of it as labels of the level; empty where they are taken."""
    folder.mkdir(exist_ok=True)
    path = folder / name.split()[0]
    path.write_text(text)
    engine = {"engine": "vasp"} | settings(**level).staging()
    try:
        given.read(
            str(path), g=0, frames=[str(folder / split) for split in given.SPLITS], record=str(folder / "given.json"),
            level="u4", engine=engine, source={"split": "train", "format": None, "theory": {}}, species=SPECIES,
        )  # fmt: skip
    except DlmdError as error:
        return error.what
    return ""


# tags of the INCAR; what VASP 5 shows of them in an OUTCAR alone is known of some
BOTH = [
    {"ISMEAR": "1"}, {"SIGMA": "0.2"}, {"ENCUT": "400.0"}, {"PREC": "Accurate"}, {"LASPH": ".FALSE."}, {"GGA": "PE"},
    {"GGA": "PS"}, {"LDAUTYPE": "1"}, {"LHFCALC": ".TRUE."}, {"NELECT": "21.0"}, {"ISPIN": "1"}, {"LSORBIT": ".TRUE."},
    {"ICHARG": "11"}, {"LREAL": ".FALSE."}, {"IALGO": "3"}, {"EDIFF": "1.0E-03"}, {"LDIPOL": ".TRUE."}, {"IDIPOL": "3"},
    {"ISIF": "1"}, {"ISIF": "0"},
]  # fmt: skip
REPEATED = [
    {"ADDGRID": ".TRUE."}, {"METAGGA": "SCAN"}, {"METAGGA": "R2SCAN"}, {"IVDW": "13"}, {"IVDW": "20", "LVDW_EWALD": ".TRUE."},
    {"LUSE_VDW": ".TRUE."}, {"LHFCALC": ".TRUE.", "HFSCREEN": "0.2"}, {"AEXX": "0.3"}, {"EFIELD": "0.1"},
    {"EFIELD_PEAD": "0.0 0.0 0.1"}, {"LIBXC1": "GGA_X_PBE", "LIBXC2": "GGA_C_PBE"}, {"LTBOUNDLIBXC": ".TRUE."},
    {"ENAUG": "900.0"}, {"NGXF": "120"}, {"NUPDOWN": "2"}, {"PSTRESS": "10.0"}, {"LMONO": ".TRUE."}, {"VCA": "1.0 0.5 1.0"},
    {"ALGO": "Exact"}, {"ALGO": "Diag"}, {"ALGO": "ACFDT"}, {"ALGO": "RPAR"}, {"ALGO": "CHI"}, {"ALGO": "Nothing"},
    {"ALGO": "TDHF"}, {"ALGO": "Subrot"}, {"ALGO": "Timeev"}, {"IALGO": "90"}, {"GGA_COMPAT": ".FALSE."}, {"LSOL": ".TRUE."},
    {"I_CONSTRAINED_M": "1"}, {"IMAGES": "5"}, {"LCLIMB": ".TRUE."}, {"LDAUL": "-1 1 -1"}, {"ENINI": "300.0"},
    {"LNONCOLLINEAR": ".TRUE."},    {"LXCLUSTER": "1"},
]  # fmt: skip


# how labels that are given call what a tag decides
WORDS = {
    "ENCUT": ("encut_ev",), "ISPIN": ("spin_polarised",), "GGA": ("functional",), "LDAUL": ("hubbard_orbital",),
    "METAGGA": ("functional",), "IVDW": ("incar", "IVDW"), "ALGO": ("IALGO", "ALGO"),
}  # fmt: skip


def require_seen(run, folder, name, tags):
    other = disguised(run.texts[name], **tags)
    assert other != run.texts[name]
    wrong = as_results(run, name, other)
    assert any(text.split()[0] in tags for text in wrong), (name, wrong)
    told = as_labels(folder, name, other)
    words = [word for tag in tags for word in (tag, *WORDS.get(tag, ()))]
    assert "labels of another theory" in told and any(word in told for word in words), (name, told)


def called(tags):
    return " ".join(f"{name}={value}" for name, value in tags.items())


def test_the_run_itself_is_taken_both_ways(run, tmp_path):
    for name, text in run.texts.items():
        assert as_results(run, name, text) == [], name
        assert as_labels(tmp_path / name.split()[0], name, text) == "", name


@pytest.mark.parametrize("tags", BOTH, ids=called)
def test_another_theory_is_seen_in_every_output(run, tmp_path, tags):
    for name in run.texts:
        require_seen(run, tmp_path / name.split()[0], name, tags)


@pytest.mark.parametrize("tags", REPEATED, ids=called)
def test_another_theory_is_seen_in_what_repeats_the_incar(run, tmp_path, tags):
    for name in ("OUTCAR", "vasprun.xml"):
        require_seen(run, tmp_path / name, name, tags)


NULL, QUARTER = ("  ".join([number] * 3) for number in ("0.00000000", "0.25000000"))
# of labels: motion, ways to the ground state, first moments, sharing of work, what is written
NO_MATTER = [
    {"MAGMOM": "6*0.0 2*-1.0 12*0.0"}, {"ALGO": "All"}, {"NBANDS": "40"}, {"ISYM": "2"}, {"NELM": "60"}, {"EDIFF": "1.0E-07"},
    {"IBRION": "0", "NSW": "500", "POTIM": "2.0", "ISIF": "3", "TEBEG": "900.0", "TEEND": "900.0", "MDALGO": "3"},
    {"IBRION": "6", "NSW": "1", "NFREE": "2"}, {"IBRION": "5"}, {"NCORE": "8"}, {"LMAXMIX": "6"}, {"ISTART": "1", "ICHARG": "1"},
    {"AMIX": "0.1"}, {"LORBIT": "10"}, {"EDIFFG": "-0.05"}, {"SYMPREC": "1E-4"}, {"LCHARG": ".TRUE."}, {"KSPACING": "0.9"},
    {"PREC": "normal"}, {"GGA": "91"}, {"LDAUL": "0 2 0"}, {"LDAUU": "0.0 5.0 0.0", "LDAUJ": "0.0 1.0 0.0"},
]  # fmt: skip


@pytest.mark.parametrize("tags", NO_MATTER, ids=called)
def test_labels_may_come_from_another_way(run, tmp_path, tags):
    for name in ("OUTCAR", "vasprun.xml"):
        other = disguised(run.texts[name], **tags)
        assert as_labels(tmp_path / name, name, other) == "", name


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "generate k-points for:    1",
            "generate k-points for:    2",
            "k-mesh is [2, 1, 1], the level has [1, 1, 1]",
        ),
        (
            f"{NULL}       1.000",
            f"{QUARTER}       1.000",
            "k-points are 1 of another",
        ),
        ("PAW_GGA Cl", "PAW_PBE Cl", "potential is 'PAW_PBE Cl 01Jan2000', the level has one of PAW_GGA"),
        ("PAW_GGA Cl", "PAW_GGA Cl_h", "potcar_flavours = {'Cl': 'Cl_h'}"),
        ("0.0  4.0  0.0", "4.0  0.0  0.0", "hubbard_u_ev = {'Li': 4.0}"),
        ("0.0  4.0  0.0", "0.0  4.5  0.0", "hubbard_u_ev = {'Ti': 4.5}"),
        ("NELECT =       20.0000", "NELECT =       19.5000", "NELECT"),
    ],
)
def test_an_outcar_of_other_points_potentials_or_u_is_seen(run, tmp_path, old, new, told):
    for name in ("OUTCAR", "OUTCAR of VASP 5"):
        text = run.texts[name]
        assert old in text
        assert as_results(run, name, text.replace(old, new)), name
        assert told in as_labels(tmp_path / name.split()[0], name, text.replace(old, new)), name


def test_meshes_of_the_level_by_cell_and_by_spacing(run, tmp_path):
    text = run.texts["OUTCAR"]
    for kpoints, taken in (
        ({"mesh": {"a": (3, 3, 3), "b": (1, 1, 1)}}, True),
        ({"mesh": {"a": (3, 3, 3)}}, False),
        ({"mesh": {}, "spacing_per_angstrom": 1.5}, True),
        ({"mesh": {}, "spacing_per_angstrom": 0.5}, False),
    ):
        told = as_labels(tmp_path, "OUTCAR", text, aimd={"kpoints": kpoints})
        assert ("k-mesh is [1, 1, 1]" not in told) if taken else ("k-mesh is [1, 1, 1]" in told)


def test_what_a_level_asks_for_is_found_or_said(run, tmp_path, capsys):
    """ADDGRID of the level: absent in an INCAR that is repeated, not told by VASP 5."""
    for name, text in run.texts.items():
        folder = tmp_path / name.split()[0]
        assert as_labels(folder, name, disguised(text, ADDGRID=".TRUE."), incar={"ADDGRID": True}) == ""
    capsys.readouterr()
    as_labels(tmp_path / "OUTCAR", "OUTCAR", run.texts["OUTCAR of VASP 5"], incar={"ADDGRID": True})
    assert "the level's are taken: ADDGRID True" in capsys.readouterr().err
    bare = re.sub(
        r"generate k-points for.*\n|\n k-points in reciprocal[^\n]*\n.*\n",
        "\n",
        run.texts["OUTCAR of VASP 5"],
    )
    assert as_labels(tmp_path / "OUTCAR", "OUTCAR", bare) == ""
    assert "k-points [[1, 1, 1]]" in capsys.readouterr().err


def test_files_that_are_packed_cut_or_doubled(run, tmp_path):
    for name in ("OUTCAR", "vasprun.xml"):
        text = run.texts[name]
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(gzip.compress(text.encode()))
        assert len(given._load(packed, None).frames) == 1
        with pytest.raises(DlmdError, match="several runs are in one"):
            given._load(written(tmp_path / name, text + text), None)
    cut = run.texts["vasprun.xml"].partition("</calculation>")[0]
    whole = given._load(written(tmp_path / "vasprun.xml", cut + "</calculation>\n"), None)
    assert len(whole.frames) == 1
    # an ionic step that ends in its forces
    with pytest.raises(DlmdError, match="has no whole <calculation>"):
        given._load(written(tmp_path / "vasprun.xml", cut[: cut.rindex('name="forces"') + 200]), None)


@pytest.mark.parametrize("mover", ["5", "6", "7", "8"])
def test_a_single_point_that_displaces_its_atoms_is_none(run, mover):
    for name, text in run.texts.items():
        assert f"IBRION is {mover}, staged -1" in as_results(
            run, name, disguised(text, IBRION=mover, NSW="1")
        ), name


@pytest.mark.parametrize(
    "line", [" NEB: projections on to tangent (spring, REAL)  0.1 0.2", " energy of chain is (eV)  -85.0"]
)
def test_an_image_of_a_band_is_no_label(run, tmp_path, line):
    text = run.texts["OUTCAR of VASP 5"]
    image = text.replace(" General timing", f"{line}\n General timing")
    assert as_results(run, "OUTCAR", image) == ["IMAGES is set, staged absent"]
    assert "IMAGES is set" in as_labels(tmp_path, "OUTCAR", image)
    # but one of a band that was staged
    step = run.job["run_steps"][0] | {"role": "neb"}
    found = as_staged.setting_mismatches(parse_outcar(image, run.folder / "none/00/OUTCAR"), run.job, step)
    assert not any("IMAGES" in text for text in found)


def test_potentials_of_another_edition_are_seen_where_the_level_has_a_library(run, tmp_path):
    home = library(tmp_path / "lib")
    text = run.texts["OUTCAR"]
    assert as_labels(tmp_path, "OUTCAR", text, potcar={"directory": home}) == ""
    told = as_labels(
        tmp_path, "OUTCAR", text.replace("Ti 01Jan2000", "Ti 08Apr2002"), potcar={"directory": home}
    )
    assert "potential is 'PAW_GGA Ti 08Apr2002', the level has 'PAW_GGA Ti 01Jan2000'" in told


U = {"LDAU": "T", "LDAUL": [-1, 2, 2, -1], "GGA": "PE"}
TYPES = ["PAW_PBE Li 1", "PAW_PBE Fe 1", "PAW_PBE Fe 1", "PAW_PBE O 1"]


@pytest.mark.parametrize(
    ("species", "titels", "u", "wanted"),
    [
        # a vasprun.xml puts types of one element together, an OUTCAR does not
        (["Li", "Fe", "O"], TYPES, [0, 4.3, 4.3, 0], {"Fe": 4.3}),
        (["Li", "Fe", "Fe", "O"], TYPES, [0, 4.3, 4.3, 0], {"Fe": 4.3}),
        (["Li", "Fe", "O"], TYPES, [0, 4.3, 0, 0], {"Fe": [4.3, 0.0]}),
        (["Li", "Fe", "O"], TYPES, [0, -2.0, -2.0, 0], {"Fe": -2.0}),
    ],
)
def test_a_u_belongs_to_its_type(species, titels, u, wanted):
    found = given_theory.of_vasp(species, U | {"LDAUU": u}, titels)
    assert found["hubbard_u_ev"] == wanted and found["hubbard_orbital"] == {"Fe": "d"}


def test_single_points_are_on_the_staged_structure_in_every_run(run, tmp_path):
    folder = tmp_path / "job"
    shutil.copytree(run.folder, folder)
    for name in ("run00", "run01"):
        shutil.copytree(folder / "1-static/inputs", folder / "1-static" / name)
        (folder / "1-static" / name / "OUTCAR").write_text(run.texts["OUTCAR"])
    assert collect.collect_static(folder)[0] is not None
    path = folder / "1-static/run01/OUTCAR"
    text = path.read_text()
    start = text.index("POSITION  ")
    row = text.index("\n", text.index("\n", start) + 1) + 1
    path.write_text(text[:row] + f"{1.0:13.5f}" + text[row + 13 :])
    with pytest.raises(DlmdError, match="begins with another structure"):
        collect.collect_static(folder)


def test_labels_that_were_collected_may_be_given_to_their_own_level_alone(run, tmp_path):
    folder = tmp_path / "job"
    shutil.copytree(run.folder, folder)
    shutil.copytree(folder / "1-static/inputs", folder / "1-static/run00")
    (folder / "1-static/run00/OUTCAR").write_text(run.texts["OUTCAR"])
    atoms, found = collect.collect_static(folder)
    assert found["numerics"] == {
        "numerics": {"kpoint_mesh": [1, 1, 1], "smearing": "gaussian", "smearing_ev": 0.05}
    }
    atoms.info = {"theory": found["theory"], **found["numerics"]}
    ase.io.write(tmp_path / "own.extxyz", atoms)
    text = (tmp_path / "own.extxyz").read_text()
    assert as_labels(tmp_path, "own.extxyz", text) == ""
    other = {"aimd": {"kpoints": {"mesh": {"toy": (2, 1, 2)}}}}
    assert "kpoint_mesh = [1, 1, 1], the level has [[2, 1, 2]]" in as_labels(
        tmp_path, "own.extxyz", text, **other
    )
    assert "smearing_ev = 0.05, the level has 0.1" in as_labels(tmp_path, "own.extxyz", text, sigma_ev=0.1)
    told = as_labels(tmp_path, "own.extxyz", text, incar={"ADDGRID": True})
    assert told == "labels of another theory: the file says incar = none, the level has {'ADDGRID': True}"


def frames(moves, *, forces=0.0):
    atoms = crystal()
    made = []
    for n in range(5):
        positions = atoms.positions + 0.01 * n * np.array(moves)[:, None]
        held = np.zeros((len(atoms), 3))
        held[0, 0] = forces
        made.append(
            Frame(step=n + 1, electronic_steps=4, cell=atoms.cell.array, positions=positions, forces=held)
        )
    return made


def test_atoms_that_are_held_fixed_are_noticed():
    free, some = np.ones(20), np.array([0.0] * 3 + [1.0] * 17)
    as_staged.require_moving(frames(free), "here")
    as_staged.require_moving(frames(some)[:3], "here")  # too few to tell
    with pytest.raises(DlmdError, match="3 of 20 atoms never move"):
        as_staged.require_moving(frames(some), "here")
    step = {"tags": {"EDIFFG": -0.05}}
    as_staged.require_relaxed(frames(free, forces=0.06)[-1], SimpleNamespace(path="here"), step)
    with pytest.raises(DlmdError, match=r"a force is 0\.3 eV/Å at the end of the relaxation, staged 0\.05"):
        as_staged.require_relaxed(frames(free, forces=0.3)[-1], SimpleNamespace(path="here"), step)


def test_a_run_of_learned_steps_alone_gives_no_label(run, tmp_path):
    text = run.texts["OUTCAR"]
    start, end = text.index("---------------------------------------"), text.index(" General timing")
    learned = " ML_LMLFF = T\n  ML FORCE on cell\n  ML TOTEN  =  -80.0\n"
    # without an iteration of the electrons, dpdata does not know where the head ends
    assert "no frame with energy, forces and stress" in as_labels(
        tmp_path, "OUTCAR", text[:start] + learned + text[end:]
    )


def written(path, text):
    path.write_text(text)
    return path
