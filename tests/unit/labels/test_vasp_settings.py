import subprocess
import sys

import pytest
from pydantic import ValidationError

from dlmd.config.levels.vasp import VaspSettings


def make(**changes):
    return VaspSettings(**{"run": "external"} | changes)


def test_defaults_are_the_published_protocol():
    s = make()
    assert (s.functional, s.encut_ev, s.relax.fmax_ev_per_angstrom) == ("PW91", 450.0, 0.01)
    assert s.plus_u == {} and not s.spin_polarised and s.potcar_family == "PW91"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"incar": {"NCOR": 4}}, "did you mean 'NCORE'"),
        ({"incar": {"gga": "PE"}}, "set functional instead"),
        ({"aimd": {"incar": {"POTIM": 2.0}}}, "time_step_fs"),
        ({"incar": {"POTIM": 2.0}}, "relax.incar.POTIM"),
        ({"relax": {"incar": {"SMASS": 1}}}, "set aimd.incar.SMASS instead"),
        ({"aimd": {"incar": {"SMASS": -3}}}, "dynamics is NVT"),
        ({"aimd": {"incar": {"NELM": 1}}}, "from 5 to 999"),
        ({"relax": {"incar": {"ALGO": "Exact"}}}, "does not minimise"),
        ({"incar": {"NWRITE": 0}}, "hides frames"),
        ({"relax": {"incar": {"ML_LMLFF": True}}}, "machine-learned"),
        ({"encut": 500}, "Extra inputs"),
        ({"hubbard_orbital": {"Ti": "d"}}, "no hubbard_u_ev"),
        ({"hubbard_u_ev": {"Ti": -1.0}}, "greater than or equal to 0"),
        ({"aimd": {"heating_ladder_k": [300, 200]}}, "do not rise"),
        ({"aimd": {"chunk_steps": 20000}}, "less than or equal to 9999"),
        ({"potcar": {"flavours": {"Ti": "Li_sv"}}}, "no potential of Ti"),
        ({"relax": {"kpoints": {}}}, "neither mesh nor spacing"),
    ],
)
def test_bad_settings_are_named(changes, text):
    with pytest.raises(ValidationError, match=text):
        make(**changes)


def test_overrides_are_kept_in_upper_case():
    assert make(incar={"ncore": 4, "KPAR": 2}).incar == {"NCORE": 4, "KPAR": 2}


def test_level_of_theory_tells_u_and_potentials_apart():
    levels = [
        make(hubbard_u_ev={"Ti": 0.0}),
        make(hubbard_u_ev={"Ti": 4.0}),
        make(hubbard_u_ev={"Ti": 4.0}, potcar={"family": "PBE_54"}),
        make(hubbard_u_ev={"Ti": 4.0}, potcar={"flavours": {"Ti": "Ti_pv"}}),
        make(hubbard_u_ev={"Ti": 4.0}, encut_ev=500.0),
    ]
    texts = [str(level.level_of_theory()) for level in levels]
    assert len(set(texts)) == len(texts)
    # a U of zero is no U
    assert make().level_of_theory() == levels[0].level_of_theory()


def test_staging_ignores_what_only_collecting_needs():
    a, b = make(max_rejected_fraction=0.1), make(max_rejected_fraction=0.2)
    assert a.staging() == b.staging()
    assert a.staging() != make(encut_ev=500.0).staging()


def test_settings_do_not_import_pymatgen():
    code = (
        "import sys; from dlmd.config.levels.vasp import VaspSettings; VaspSettings(run='external', incar={'NCORE': 4});"
        "sys.exit('pymatgen.io.vasp' in sys.modules or 'ase' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# as releases before these tags were in `incar` recorded them, word by word
RECORDED = {
    "relax": "{'nelm': 200, 'algo': 'Normal', 'precision': 'Accurate', 'lreal': 'Auto', 'incar': {}, 'kpoints': {'mesh': {}, "
    "'spacing_per_a': 0.2, 'centring': 'gamma'}, 'fmax_ev_per_a': 0.01, 'ediff_ev': 1e-06, 'max_steps': 200, 'potim': 0.3, "
    "'restarts': 1, 'static': True}",
    "aimd": "{'nelm': 200, 'algo': 'Fast', 'precision': 'Normal', 'lreal': 'Auto', 'incar': {}, 'kpoints': {'mesh': {}, "
    "'spacing_per_a': 0.6, 'centring': 'gamma'}, 'ediff_ev': 1e-05, 'thermostat_mass': 0.0, 'heating_ladder_k': [], "
    "'heating_steps': 500, 'chunk_steps': 1000}",
}


def test_labels_are_recorded_as_they_always_were():
    assert {kind: repr(make().staging()[kind]) for kind in RECORDED} == RECORDED
    moved = make(
        relax={"incar": {"LREAL": False, "POTIM": 0.1, "AMIX": 0.2}},
        aimd={"incar": {"NELM": 60, "SMASS": 2, "algo": "VeryFast"}},
    ).staging()
    relax = RECORDED["relax"].replace(
        "'lreal': 'Auto', 'incar': {}", "'lreal': 'False', 'incar': {'AMIX': 0.2}"
    )
    assert repr(moved["relax"]) == relax.replace("'potim': 0.3", "'potim': 0.1")
    aimd = RECORDED["aimd"].replace("200", "60").replace("'Fast'", "'VeryFast'")
    assert repr(moved["aimd"]) == aimd.replace("'thermostat_mass': 0.0", "'thermostat_mass': 2.0")


def test_a_job_makes_the_level_again_from_what_is_recorded():
    for settings in (
        make(),
        make(relax={"incar": {"LREAL": False, "AMIX": 0.2}}, aimd={"incar": {"SMASS": 2.0}}),
    ):
        again = VaspSettings.of_staging({"engine": "vasp"} | settings.staging())
        assert again.relax.tags == settings.relax.tags and again.aimd.tags == settings.aimd.tags
        assert again.staging() == settings.staging()
        assert again.relax.incar.get("AMIX") == settings.relax.incar.get("AMIX")
