"""Output alone tells what kind of functional, cell and electrons it is of: OUTCARs of VASP 5 and 6, and vasprun.xml."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.labels import given, given_theory
from dlmd.labels.vasp import as_staged, collect, echoes, electrons, output, seen, stage
from dlmd.labels.vasp.outcar import parse_outcar
from dlmd.labels.vasp.vasprun import parse_vasprun
from vasp_bench import FAKE, crystal, potential, settings


def computed(folder, extra="", *, edit=(), **tricks):
    """A single point whose INCAR was changed behind our back; only its OUTCAR and vasprun.xml are brought back."""
    job = stage.stage_static(crystal(), folder, settings=settings(), level="u4", cell="toy", source="o_toy_0")
    work = folder / "elsewhere"
    shutil.copytree(folder / "1-static/inputs", work)
    text = (work / "INCAR").read_text()
    for old, new in edit:
        assert old in text
        text = text.replace(old, new)
    (work / "INCAR").write_text(text + extra)
    (work / "POTCAR").write_text("".join(potential(name) for name in job["species"]))
    environment = os.environ | {"FAKE_VASP": json.dumps(tricks)}
    subprocess.run([sys.executable, str(FAKE)], cwd=work, env=environment, check=True)
    run = folder / "1-static/run00"
    run.mkdir()
    for name in ("OUTCAR", "vasprun.xml"):
        shutil.move(work / name, run / name)
    return run


def judged(run, name):
    """What collecting says where only the file `name` was brought back."""
    for other in {"OUTCAR", "vasprun.xml"} - {name}:
        (run / other).unlink()
    try:
        return collect.collect_static(run.parents[1])[1]["reason"]
    except DlmdError as error:
        return error.what


KINDS = [
    ("METAGGA = SCAN\n", "METAGGA is SCAN, staged absent"),
    ("METAGGA = R2SCAN\n", "METAGGA is R2SCAN, staged absent"),
    ("IVDW = 12\n", "IVDW is 12, staged 0"),
    ("LUSE_VDW = .TRUE.\nAGGAC = 0.0\n", "LUSE_VDW is"),
    ("LHFCALC = .TRUE.\nHFSCREEN = 0.2\n", "LHFCALC is"),
    ("LSORBIT = .TRUE.\n", "LSORBIT is"),
    ("NELECT = 19\n", "NELECT is 19, staged 20 (a charge of +1)"),
]


@pytest.mark.parametrize(("extra", "told"), KINDS)
def test_the_kind_of_functional_is_seen(tmp_path, extra, told):
    for name, version in (("OUTCAR", 6), ("vasprun.xml", 5)):
        run = computed(tmp_path / name, extra, version=version)
        found = judged(run, name)
        assert found is not None and "not of the staged inputs" in found and told in found


@pytest.mark.parametrize(("extra", "told"), [KINDS[k] for k in (4, 5, 6)])
def test_an_outcar_of_vasp_5_tells_what_it_echoes(tmp_path, extra, told):
    found = judged(computed(tmp_path, extra), "OUTCAR")
    assert found is not None and told in found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("  METAGGA =   R2SCAN   LMAXTAU = 6", "METAGGA is R2SCAN"),
        ("  Edisp (eV)  -28.80731", "IVDW is on, staged 0"),
        ("  Estimated vdW energy (eV):   -1.2", "IVDW is on, staged 0"),
        ("   LUSE_VDW=     T", "LUSE_VDW is T, staged F"),
    ],
)
def test_other_lines_of_outcars_give_the_functional_away(tmp_path, line, told):
    run = computed(tmp_path)
    text = (run / "OUTCAR").read_text()
    (run / "OUTCAR").write_text(text.replace(" Exchange correlation", f"{line}\n Exchange correlation"))
    assert told in judged(run, "OUTCAR")


@pytest.mark.parametrize("version", [5, 6])
@pytest.mark.parametrize("name", ["OUTCAR", "vasprun.xml"])
def test_the_staged_run_passes(tmp_path, name, version):
    # what VASP 5 prints of LMETAGGA is no functional
    run = computed(tmp_path, version=version)
    path = run / "OUTCAR"
    path.write_text(
        path.read_text().replace(
            " Electronic Relax", "   METAGGA=      F    non-selfconsistent MetaGGA calc.\n\n Electronic Relax"
        )
    )
    assert judged(run, name) is None


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (("EDIFF = 1e-05", "EDIFF = 1e-03"), "EDIFF is"),
        (("GGA = 91", "GGA = PS"), "GGA is PS, staged 91"),
        (("MAGMOM = 6*0.0 2*1.0 12*0.0", "MAGMOM = 6*0.0 2*2.0 12*0.0"), "MAGMOM is 6*0 2 2 12*0"),
        (("LREAL = Auto", "LREAL = .FALSE."), "LREAL is"),
        (("PREC = Normal", "PREC = Accurate"), "PREC is"),
    ],
)
def test_a_changed_incar_is_seen_in_what_repeats_it(tmp_path, edit, told):
    for name in ("OUTCAR", "vasprun.xml"):
        found = judged(computed(tmp_path / name, edit=[edit], version=6), name)
        assert found is not None and told in found


SEEN = [
    ("", {"functional": "PW91"}),
    ("METAGGA = R2SCAN\n", {"functional": "r2SCAN"}),
    ("METAGGA = TPSS\n", {"functional": "TPSS"}),
    ("IVDW = 12\n", {"functional": "PW91", "dispersion": "D3BJ"}),
    (
        "LHFCALC = .TRUE.\nLSORBIT = .TRUE.\n",
        {"functional": "PW91", "incar": {"LHFCALC": "T", "LSORBIT": "T"}},
    ),
    ("NELECT = 19\n", {"functional": "PW91", "incar": {"NELECT": "19"}}),
]


@pytest.mark.parametrize(("extra", "told"), SEEN)
def test_an_output_alone_tells_its_theory(tmp_path, extra, told):
    run = computed(tmp_path, extra, version=6)
    for parse, name in ((parse_outcar, "OUTCAR"), (parse_vasprun, "vasprun.xml")):
        assert seen.theory(parse((run / name).read_text(), run / name)) == told


@pytest.mark.parametrize(("extra", "told"), SEEN[1:])
def test_labels_that_are_given_are_of_the_level_they_are_given_to(tmp_path, extra, told):
    run = computed(tmp_path, extra, version=6)
    own = given._load(run / "vasprun.xml", None).theory
    plain = settings().level_of_theory()
    with pytest.raises(DlmdError, match="labels of another theory"):
        given_theory.require(own, {}, plain, where="here")
    level = plain | {key: value for key, value in told.items() if key != "incar"}
    if "incar" in told:
        level["incar"] = {"ADDGRID": True} | {
            tag: value == "T" or int(value) for tag, value in told["incar"].items()
        }
    given_theory.require(own, {}, level, where="here")


def test_how_electrons_converge_and_how_ranks_share_may_differ(tmp_path):
    edit = [("ALGO = Fast", "ALGO = All"), ("NELM = 200", "NELM = 150"), ("EDIFF = 1e-05", "EDIFF = 1.0d-5")]
    for name in ("OUTCAR", "vasprun.xml"):
        extra = "NCORE = 8\nAMIX = 0.2\nISYM = 0\n" if name == "OUTCAR" else "NCORE = 8\n"
        some = edit if name == "OUTCAR" else edit[:2]
        assert judged(computed(tmp_path / name, extra, edit=some, version=6), name) is None


REPEATS = {
    "LPEAD": "F",
    "METAGGA": "--",
    "EFIELD_PEAD": "0.0 0.0 0.0",
    "LEFG": "F",
    "LMAXTAU": "6",
    "KPOINT_BSE": "-1 0 0 0",
}


def test_what_every_vasprun_repeats_is_no_setting(tmp_path):
    run = computed(tmp_path)
    path = run / "vasprun.xml"
    more = "".join(f'  <i type="string" name="{name}">{value}</i>\n' for name, value in REPEATS.items())
    path.write_text(path.read_text().replace(" </incar>", more + " </incar>"))
    job = stage.load_job(tmp_path)
    for name in ("vasprun.xml", "OUTCAR"):  # the OUTCAR of VASP 5 beside it repeats nothing
        assert not as_staged.setting_mismatches(output.read_run(run), job, job["run_steps"][0]), name
    path.write_text(path.read_text().replace('name="LMAXTAU">6', 'name="ENAUG">900'))
    assert "ENAUG is 900, staged absent" in judged(run, "vasprun.xml")


def test_an_outcar_of_vasp_5_is_judged_by_the_incar_of_its_vasprun(tmp_path):
    run = computed(tmp_path, "METAGGA = R2SCAN\n")
    with pytest.raises(DlmdError, match="METAGGA is R2SCAN, staged absent"):
        collect.collect_static(run.parents[1])


def test_valences_that_touch_are_read():
    head = "  Ionic Valenz\n   ZVAL   =  11.00 12.00  7.00\n"
    assert echoes.neutral_electrons(head, [1, 2, 3]) == 11 + 24 + 21
    assert echoes.neutral_electrons("   ZVAL   =   3.00 7.00\n", [1, 1]) is None


def frame(folder, *, old="", new=""):
    path = folder / "1-static/run00/OUTCAR"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return parse_outcar(path.read_text(), path).frames[-1]


REACHED = "------------------------ aborting loop because EDIFF is reached ----"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            REACHED,
            "------------------------ aborting loop EDIFF was not reached (unconverged) ----",
            "unconverged",
        ),
        (REACHED, " hard stop encountered!  aborting job ...\n ----", "LABORT"),
        (REACHED, "----", None),  # the last change is below EDIFF, which is proof enough
        ("EDIFF  = 1.0E-05", "EDIFF  = 1.0E-12", "stopped early: the energy changed by"),
        ("EDIFF  = 1.0E-05", "EDIFF  = no number", None),
    ],
)
def test_electrons_stopped_early_are_no_label(tmp_path, old, new, reason):
    computed(tmp_path)
    found = frame(tmp_path, old=old, new=new).reason
    assert (found is None) if reason is None else (found.startswith("electrons ") and reason in found)


def test_a_step_without_any_word_of_convergence_is_no_label(tmp_path):
    run = computed(tmp_path)
    text = (run / "OUTCAR").read_text()
    lines = [line for line in text.splitlines() if "energy-change" not in line and "aborting" not in line]
    (frame,) = parse_outcar("\n".join(lines), run / "OUTCAR").frames
    assert "nothing says that EDIFF was reached" in frame.reason


def test_a_vasprun_that_ends_after_three_electronic_steps_gives_no_label(tmp_path):
    run = computed(tmp_path)
    text = (run / "vasprun.xml").read_text()
    pieces = text.split("  <scstep>")
    short = "  <scstep>".join(pieces[:4]) + pieces[-1][pieces[-1].index("</scstep>") + len("</scstep>") :]
    (whole,) = parse_vasprun(text, run / "vasprun.xml").frames
    (cut,) = parse_vasprun(short, run / "vasprun.xml").frames
    assert whole.reason is None and cut.electronic_steps == 3
    assert cut.reason.startswith("electrons stopped early: the energy changed by")


@pytest.mark.parametrize(
    ("energies", "good"),
    [
        ([-1.0, -1.00001, -1.000011], True),
        ([-1.0, -1.00001, -1.00003], False),
        ([-1.0], False),
        ([], False),
        ([-1.0, float("nan")], False),
        ([-1.0, None], False),
    ],
)
def test_last_changes_in_a_vasprun(energies, good):
    assert (electrons.xml_reason(energies, 60, 1e-5) is None) == good


def test_an_aborted_single_point_is_not_done_and_is_run_again(tmp_path):
    run = computed(tmp_path, labort=1)
    with pytest.raises(DlmdError, match="the single point is not finished"):
        collect.collect_static(run.parents[1])


def test_the_vasprun_stands_in_for_a_damaged_outcar(tmp_path):
    run = computed(tmp_path)
    plain = output.read_run(run)
    text = (run / "OUTCAR").read_text()
    for damage in (text[: len(text) // 2], text[len(text) // 2 :], "\x00" * 4096, text[:300]):
        (run / "OUTCAR").write_text(damage)
        found = output.read_run(run)
        assert found.path.name == "vasprun.xml" and found.finished
        np.testing.assert_allclose(found.frames[0].forces, plain.frames[0].forces, atol=1e-6)
    (run / "OUTCAR").write_text(text)
    for damage in ("", "<modeling>", text[:1000]):
        (run / "vasprun.xml").write_text(damage)
        assert output.read_run(run).path.name == "OUTCAR"
    (run / "OUTCAR").write_text(text[:300])
    with pytest.raises(DlmdError, match="cannot be read"):
        output.read_run(run)


def test_moments_of_a_cut_outcar_are_not_lost(tmp_path):
    run = computed(tmp_path)
    text = (run / "OUTCAR").read_text()
    end = text.index("General timing")
    (run / "OUTCAR").write_text(text[:end].replace("NWRITE =      2", "NWRITE =      1"))
    found = output.read_run(run)
    assert found.finished and found.frames[0].moments[6] == 1.0


def test_files_of_two_runs_are_not_taken_for_one(tmp_path):
    run = computed(tmp_path / "a")
    other = computed(tmp_path / "b")
    text = (other / "vasprun.xml").read_text()
    first = text.index("<calculation>")
    at = text.index('<varray name="positions"', first)
    row = text.index("<v>", at)
    (run / "vasprun.xml").write_text(text[:row] + "<v> 0.1 0.1 0.1 </v>" + text[text.index("\n", row) :])
    outcar = (run / "OUTCAR").read_text()
    (run / "OUTCAR").write_text(outcar[: outcar.index(" General timing")])
    with pytest.raises(DlmdError, match="are of different runs"):
        output.read_run(run)


def test_every_mismatch_is_told_once(tmp_path):
    run = computed(tmp_path, "LSORBIT = .TRUE.\nLHFCALC = .TRUE.\n", version=6)
    job = stage.load_job(tmp_path)
    wrong = as_staged.setting_mismatches(output.read_run(run), job, job["run_steps"][0])
    names = [text.split()[0] for text in wrong]
    assert sorted(names) == ["LHFCALC", "LNONCOLLINEAR", "LSORBIT"]
