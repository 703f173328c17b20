import numpy as np
import pytest
from ase import Atoms

from dlmd.base.errors import DlmdError
from dlmd.config.levels.vasp import KpointSettings
from dlmd.labels.vasp import incar
from vasp_bench import crystal, settings


def relax_tags(species=("Li", "Ti", "Cl"), **changes):
    return incar.relax_steps(settings(**changes), list(species), label="test")[0].tags


def test_u_follows_the_order_of_the_poscar():
    assert relax_tags()["LDAUU"] == [0.0, 4.0, 0.0] and relax_tags()["LDAUL"] == [-1, 2, -1]
    turned = relax_tags(species=("Cl", "Li", "Ti"))
    assert turned["LDAUU"] == [0.0, 0.0, 4.0] and turned["LDAUL"] == [-1, -1, 2]


def test_zero_u_switches_ldau_off_and_keeps_spin():
    tags = relax_tags(hubbard_u_ev={"Ti": 0.0})
    assert not [name for name in tags if name.startswith("LDAU")]
    assert tags["ISPIN"] == 2 and tags["LMAXMIX"] == 4


def test_pw91_brings_its_interpolation_and_pbe_does_not():
    assert (relax_tags()["GGA"], relax_tags()["VOSKOWN"]) == ("91", 1)
    pbe = relax_tags(functional="PBE")
    assert pbe["GGA"] == "PE" and "VOSKOWN" not in pbe


def test_f_electrons_raise_lmaxmix():
    tags = relax_tags(
        species=("Li", "Er", "Cl"),
        hubbard_u_ev={"Er": 5.0},
        hubbard_orbital={"Er": "f"},
        magmom={},
        moment_range={},
    )
    assert tags["LMAXMIX"] == 6 and tags["LDAUL"] == [-1, 3, -1] and tags["ISPIN"] == 1


def test_u_on_an_absent_element_is_an_error():
    with pytest.raises(DlmdError, match="names Ti, which the structure lacks"):
        relax_tags(species=("Li", "In", "Cl"))


def test_relaxation_restarts_and_ends_static():
    steps = incar.relax_steps(settings(), ["Li", "Ti", "Cl"], label="x")
    assert [(s.name, s.role) for s in steps] == [
        ("1-relax", "relax"),
        ("2-relax", "relax"),
        ("3-static", "static"),
    ]
    assert (steps[0].tags["IBRION"], steps[0].tags["ISIF"], steps[0].tags["EDIFFG"]) == (2, 3, -0.05)
    assert steps[2].tags["NSW"] == 0 and "IBRION" not in steps[2].tags


def test_dynamics_climbs_the_ladder_then_runs_in_chunks():
    s = settings(aimd={"heating_ladder_k": [100.0, 300.0, 900.0]})
    plan = incar.aimd_plan(s, temperature_k=500.0, steps=50)
    assert plan == [
        ("seg000", "heat", 100.0, 300.0, 10),
        ("seg001", "heat", 300.0, 500.0, 10),
        ("seg002", "produce", 500.0, 500.0, 20),
        ("seg003", "produce", 500.0, 500.0, 20),
        ("seg004", "produce", 500.0, 500.0, 10),
    ]
    tags = incar.aimd_steps(
        s, ["Li", "Ti", "Cl"], label="x", temperature_k=500.0, steps=50, time_step_fs=1.0, seed=7
    )[2].tags
    wanted = {
        "IBRION": 0,
        "MDALGO": 2,
        "SMASS": 0.0,
        "ISIF": 2,
        "ISYM": 0,
        "NBLOCK": 1,
        "POTIM": 1.0,
        "NSW": 20,
    }
    assert {k: tags[k] for k in wanted} == wanted and tags["TEBEG"] == tags["TEEND"] == 500.0


def test_kind_of_run_overrides_the_level_and_both_reach_the_incar():
    s = settings(incar={"NCORE": 4, "AMIX": 0.2}, aimd={"incar": {"AMIX": 0.1}})
    tags = incar.aimd_steps(
        s, ["Li", "Ti", "Cl"], label="x", temperature_k=300.0, steps=1, time_step_fs=1.0, seed=7
    )[0].tags
    assert (tags["NCORE"], tags["AMIX"]) == (4, 0.1)
    assert incar.relax_steps(s, ["Li", "Ti", "Cl"], label="x")[0].tags["AMIX"] == 0.2


def test_moments_by_site_win_over_element():
    s = settings(magmom={"Li2": 0.3, "Ti": 1.0})
    assert incar.initial_moments(crystal(), s) == [0, 0] + [0.3] * 4 + [1.0, 1.0] + [0.0] * 12


def test_moment_of_an_unknown_name_is_an_error():
    with pytest.raises(DlmdError, match="magmom names Ti9"):
        incar.initial_moments(crystal(), settings(magmom={"Ti9": 1.0}))


def test_mixed_up_elements_are_refused():
    with pytest.raises(DlmdError, match="not together: Li Cl Li"):
        incar.species_blocks(Atoms("LiClLi"))


def test_k_mesh_by_name_and_by_vasp_kspacing():
    cell = Atoms(cell=[5.0, 10.0, 20.0], pbc=True)
    assert incar.k_mesh(cell, "a", KpointSettings(mesh={"a": (4, 2, 4)}, spacing_per_angstrom=0.1)) == [
        4,
        2,
        4,
    ]
    # 2π/5 = 1.257, 2π/10 = 0.628, 2π/20 = 0.314
    assert incar.k_mesh(cell, "b", KpointSettings(spacing_per_angstrom=0.5)) == [3, 2, 1]
    # exactly met is met: not one more
    assert incar.k_mesh(cell, "b", KpointSettings(spacing_per_angstrom=2 * np.pi / 20)) == [4, 2, 1]
    with pytest.raises(DlmdError, match="no k-mesh for the cell 'b'"):
        incar.k_mesh(cell, "b", KpointSettings(mesh={"a": (4, 2, 4)}))


def test_what_jobs_get_stages_what_the_config_says():
    # a job reads its settings from the rule's params, where former keys are spelt out
    from dlmd.config.levels.vasp import VaspSettings
    from dlmd.labels.vasp import incar

    own = VaspSettings(hubbard_u_ev={"Ti": 4.0}, magmom={"Ti": 1.0})
    handed = VaspSettings.of_staging(own.staging())
    species = ["Li", "Ti", "Cl"]
    for steps in (incar.relax_steps, incar.static_steps):
        plain, again = steps(own, species, label="x"), steps(handed, species, label="x")
        assert [step.tags for step in plain] == [step.tags for step in again]
    static = incar.relax_steps(handed, species, label="x")[-1]
    assert static.role == "static" and "POTIM" not in static.tags
    assert "SMASS" not in incar.static_steps(handed, species, label="x")[0].tags
