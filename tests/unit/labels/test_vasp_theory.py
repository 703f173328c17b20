"""A level's theory is all that decides its numbers, and a changed level does not take what the former one computed."""

import json
import shutil

import pytest
from pydantic import ValidationError

from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp import VaspSettings, usual
from dlmd.config.levels.vasp_tags import theory
from dlmd.labels.vasp import collect, incar, inputs, manifest, stage
from dlmd.labels.vasp.run import run_step
from vasp_bench import LAUNCH, crystal, library, settings

BROKEN = LAUNCH.model_copy(update={"command": "false"})
CHANGES = [
    ({"incar": {"METAGGA": "R2SCAN"}}, "METAGGA is absent, staged R2SCAN"),
    ({"incar": {"IVDW": 12}}, "IVDW is 0, staged 12"),
    ({"incar": {"LHFCALC": True}}, "LHFCALC is F, staged True"),
    ({"incar": {"NELECT": 21}}, "NELECT is 20, staged 21"),
    ({"incar": {"LASPH": False}}, "LASPH is T, staged False"),
    ({"incar": {"ADDGRID": True}}, "ADDGRID is absent, staged True"),
    ({"aimd": {"ediff_ev": 1e-8}}, "EDIFF is 1e-05, staged 1e-08"),
    ({"aimd": {"incar": {"LREAL": False}}}, "LREAL is T, staged False"),
    ({"aimd": {"incar": {"ALGO": "All"}}}, "ALGO is Fast, staged All"),
    ({"aimd": {"incar": {"NELM": 80}}}, "NELM is 200, staged 80"),
    ({"magmom": {"Ti": 2.0}}, "MAGMOM is 6*0 1 1 12*0, staged 6*0 2 2 12*0"),
    ({"aimd": {"kpoints": {"mesh": {"toy": (1, 1, 1)}, "centring": "monkhorst"}}}, "KPOINTS is gamma 1x1x1"),
]


def staged(folder, lib, **changes):
    s = settings(lib, **changes)
    stage.stage_static(crystal(), folder, settings=s, level="u4", cell="toy", source="o_toy_0")
    return s


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    home = tmp_path_factory.mktemp("theory")
    s = staged(home / "job", library(home / "lib"))
    run_step(home / "job", "1-static", settings=s, launch=LAUNCH)
    return home


@pytest.fixture
def job(computed, tmp_path):
    shutil.copytree(computed, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_a_changed_level_refuses_the_results_of_the_former_one_and_keeps_them(job, change, told):
    s = staged(job / "job", job / "lib", **change)
    with pytest.raises(DlmdError, match="a run of other settings is here") as refused:
        run_step(job / "job", "1-static", settings=s, launch=BROKEN)
    assert told in refused.value.what and "a name of its own" in refused.value.remedy
    with pytest.raises(DlmdError, match="not of the staged inputs"):
        collect.collect_static(job / "job")
    assert manifest.entry(job / "job")["steps"]["1-static"].startswith("of other settings")
    assert (job / "job/1-static/run00/OUTCAR.gz").exists()
    # back to the former level: nothing is run again
    s = staged(job / "job", job / "lib")
    assert len(run_step(job / "job", "1-static", settings=s, launch=BROKEN)["runs"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"incar": {"NCORE": 8, "KPAR": 2, "LWAVE": True}},
        {"aimd": {"chunk_steps": 40}, "relax": {"max_steps": 9, "incar": {"AMIX": 0.1}}},
        {"max_rejected_fraction": 0.5, "moment_range": {}},
    ],
)
def test_what_decides_no_number_of_the_job_leaves_its_results_valid(job, change):
    s = staged(job / "job", job / "lib", **change)
    run_step(job / "job", "1-static", settings=s, launch=BROKEN)
    assert collect.collect_static(job / "job")[0] is not None


def without_marks(folder):
    """The folder as it was made before runs kept what they were started with."""
    for path in folder.rglob(inputs.FILE):
        path.unlink()
    record = json.loads((folder / "job.json").read_text())
    for step in record["run_steps"]:
        del step["inputs_sha256"]
    del record["potcar"]["sha256"]
    (folder / "job.json").write_text(json.dumps(record))


def test_results_made_before_runs_kept_their_inputs_are_judged_by_their_files(job):
    without_marks(job / "job")
    assert collect.collect_static(job / "job")[0] is not None
    # custodian changes how electrons converge
    path = job / "job/1-static/run00/INCAR"
    path.write_text(path.read_text().replace("ALGO = Fast", "ALGO = All"))
    s = staged(job / "job", job / "lib")
    run_step(job / "job", "1-static", settings=s, launch=BROKEN)
    staged(job / "job", job / "lib", aimd={"ediff_ev": 1e-7})
    with pytest.raises(DlmdError, match="EDIFF is 1e-05, staged 1e-07"):
        collect.collect_static(job / "job")


def test_what_custodian_mended_in_a_relaxation_is_no_other_level(tmp_path):
    s = settings(library(tmp_path / "lib"), relax={"restarts": 0})
    stage.stage_relax(crystal(), tmp_path / "job", settings=s, level="u4", cell="toy", source="o_toy_0")
    for name in ("1-relax", "2-static"):
        run_step(tmp_path / "job", name, settings=s, launch=LAUNCH)
    for name in ("1-relax", "2-static"):
        path = tmp_path / "job" / name / "run00/INCAR"
        path.write_text(path.read_text().replace("LREAL = Auto", "LREAL = False").replace("1e-06", "1e-07"))
        (path.parent / "custodian.json").write_text("[]")
    run_step(tmp_path / "job", "1-relax", settings=s, launch=BROKEN)
    # the static run gives the energy
    with pytest.raises(DlmdError, match="EDIFF is 1e-07, staged 1e-06"):
        run_step(tmp_path / "job", "2-static", settings=s, launch=BROKEN)


def test_an_edited_incar_is_noticed_without_help_of_the_output(job):
    path = job / "job/1-static/run00/INCAR"
    path.write_text(path.read_text() + "SYMPREC = 1E-4\nENAUG = 1200\n")
    with pytest.raises(DlmdError, match="ENAUG is 1200, staged absent"):
        collect.collect_static(job / "job")


def test_a_changed_potential_of_the_same_name_is_noticed(job):
    path = job / "lib/Ti/POTCAR"
    path.write_text(path.read_text().replace("0.10 0.20", "0.11 0.20"))
    s = staged(job / "job", job / "lib")
    with pytest.raises(DlmdError, match="POTCAR is another file"):
        run_step(job / "job", "1-static", settings=s, launch=BROKEN)


def test_theory_has_overrides_that_decide_and_no_others():
    plain = settings().level_of_theory()
    for aside in (
        {"incar": {"NCORE": 4, "AMIX": 0.1}},
        {"aimd": {"incar": {"ALGO": "All", "PREC": "Normal"}}},
    ):
        assert settings(**aside).level_of_theory() == plain
    for change in ({"IVDW": 12}, {"LHFCALC": True}, {"NELECT": 99.0}, {"LSORBIT": True}, {"LREAL": False}):
        assert settings(incar=change).level_of_theory() == plain | {"incar": change}
    assert settings(aimd={"ediff_ev": 1e-7}).level_of_theory() == plain | {"ediff_ev": 1e-7}
    assert settings(relax={"ediff_ev": 1e-7}).level_of_theory() == plain
    assert settings(relax={"ediff_ev": 1e-7}).level_of_theory("relax") == plain | {"ediff_ev": 1e-7}
    # never recorded as the GGA that it replaces
    assert settings(incar={"METAGGA": "SCAN"}).level_of_theory()["functional"] == "SCAN"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"incar": {"METAGGA": "R2SCAN", "NCORE": 4, "LASPH": False}},
        {"aimd": {"ediff_ev": 1e-6, "incar": {"LREAL": False, "NELM": 60}}},
    ],
)
def test_jobs_staged_before_get_the_same_theory_from_their_tags(change):
    s = settings(**change)
    tags = incar.static_steps(s, ["Li", "Ti", "Cl"], label="x")[0].tags
    assert settings().level_of_theory() | theory(tags, usual("aimd")) == s.level_of_theory()


def tags_of(**level):
    return incar.static_steps(
        settings(**level, magmom={}, hubbard_u_ev={}, moment_range={}), ["Li", "Cl"], label="x"
    )[0].tags


@pytest.mark.parametrize(
    ("level", "wanted", "family"),
    [
        ({"functional": "PBEsol"}, {"GGA": "PS"}, "PBE"),
        ({"functional": "PBE", "dispersion": "D3"}, {"GGA": "PE", "IVDW": 11}, "PBE"),
        ({"functional": "PBEsol", "dispersion": "D3BJ"}, {"GGA": "PS", "IVDW": 12}, "PBE"),
        ({"functional": "SCAN"}, {"METAGGA": "SCAN", "LASPH": True, "ALGO": "All"}, "PBE_54"),
        ({"functional": "SCAN", "dispersion": "D3"}, {"IVDW": 11, "VDW_SR": 1.324, "VDW_S8": 0.0}, "PBE_54"),
        ({"functional": "r2SCAN"}, {"METAGGA": "R2SCAN", "LASPH": True, "ALGO": "All"}, "PBE_54"),
        (
            {"functional": "r2SCAN", "dispersion": "D3BJ"},
            {"IVDW": 12, "VDW_A1": 0.49484001, "VDW_S8": 0.78981345, "VDW_A2": 5.73083694},
            "PBE_54",
        ),
    ],
)
def test_named_functionals_have_their_tags(level, wanted, family):
    tags = tags_of(**level)
    assert {name: tags.get(name) for name in wanted} == wanted
    assert ("GGA" in tags) != ("METAGGA" in tags) and "VOSKOWN" not in tags
    s = settings(**level)
    assert s.potcar_family == family
    told = s.level_of_theory()
    assert (told["functional"], told.get("dispersion")) == (level["functional"], level.get("dispersion"))
    # a job makes its level again from what its rule records
    again = VaspSettings.of_staging(s.staging())
    assert again.staging() == s.staging() and again.level_of_theory() == told
    assert again.relax.tags == s.relax.tags


def test_a_chosen_algo_wins_over_that_of_meta_ggas():
    s = settings(functional="r2SCAN", relax={"incar": {"ALGO": "Damped"}})
    assert (s.relax.tags["ALGO"], s.aimd.tags["ALGO"]) == ("Damped", "All")


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ({"functional": "PW91", "dispersion": "D3"}, "no parameters for PW91"),
        ({"functional": "r2SCAN", "dispersion": "D3"}, "known: D3BJ"),
        ({"functional": "SCAN", "incar": {"METAGGA": "TPSS"}}, "METAGGA is set by functional"),
        ({"functional": "PBE", "dispersion": "D3", "aimd": {"incar": {"IVDW": 12}}}, "set by dispersion"),
    ],
)
def test_functionals_that_do_not_go_together_are_refused(level, told):
    with pytest.raises(ValidationError, match=told):
        settings(**level)


def test_a_meta_gga_is_staged_run_and_collected(tmp_path, capfd):
    level = {"functional": "r2SCAN", "dispersion": "D3BJ"}
    s = settings(library(tmp_path / "lib", family="PBE"), **level)
    stage.stage_static(crystal(), tmp_path / "job", settings=s, level="r2", cell="toy", source="o_toy_0")
    assert "no kinetic energy density" in capfd.readouterr().err
    run_step(tmp_path / "job", "1-static", settings=s, launch=LAUNCH)
    atoms, told = collect.collect_static(tmp_path / "job")
    assert atoms is not None and told["theory"]["functional"] == "r2SCAN"
    assert told["theory"]["dispersion"] == "D3BJ"


def test_readers_are_told_the_functional():
    assert settings().functional_name == "PW91"
    assert settings(functional="r2SCAN", dispersion="D3BJ").functional_name == "r2SCAN-D3BJ"
    overrides = {"METAGGA": "SCAN", "LHFCALC": True, "NCORE": 4}
    assert settings(functional="PBE", incar=overrides).functional_name == "SCAN with LHFCALC = True"


def test_unchanged_levels_are_recorded_as_before():
    assert "dispersion" not in settings().staging()
    assert settings(functional="PBE", dispersion="D3").staging()["dispersion"] == "D3"
