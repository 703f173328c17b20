"""Rules record settings word by word as earlier releases did: another text of the same settings repeats every expensive job."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOY = (ROOT / "config/toy.yaml").read_text()
LOOP = """
learning:
  iterations: 1
  explore:
    - {occupancy: "0.750", cell: "80", temperatures_k: [700]}
  explore_ps: 0.5
  steps: 200
"""
DFT = (
    "{'functional': 'PBE', 'hubbard_u_ev': {'Ti': 4.0}, 'hubbard_orbital': {}, 'magmom': {}, 'moment_range': {}, "
    "'smearing_ev': 0.05, "
)
# config's levels -> what the rules that label record of them
LEVELS = {
    "{engine: chgnet}": "{'engine': 'chgnet', 'model': '0.3.0'}",
    "{engine: gpaw, hubbard_u_ev: {Ti: 4.0}, keywords: {maxiter: 300}}": DFT
    + "'ecut_ev': 450.0, 'kpoint_density_a': 2.0, 'kpoint_mesh': None, "
    "'convergence': {'density': 0.0001, 'eigenstates_ev2': 1e-05, 'max_iterations': 300}, 'engine': 'gpaw'}",
    "{engine: cp2k, hubbard_u_ev: {Ti: 4.0}, basis_sets: {Li: B, Ti: B, Cl: B}, potentials: {Li: P, Ti: P, Cl: P}}": DFT
    + "'basis_sets': {'Li': 'B', 'Ti': 'B', 'Cl': 'B'}, 'potentials': {'Li': 'P', 'Ti': 'P', 'Cl': 'P'}, "
    "'basis_set_file': 'BASIS_MOLOPT', 'potential_file': 'GTH_POTENTIALS', 'cutoff_ev': 8200.0, "
    "'relative_cutoff_ev': 820.0, 'kpoint_mesh': None, 'eps_scf': 1e-06, 'max_iterations': 200, 'mixing_alpha': 0.2, "
    "'added_states': 20, 'engine': 'cp2k', 'stress': 'numerical'}",
}


def params(folder, text):
    """Rule -> params of each of its jobs."""
    (folder / "run.yaml").write_text(text)
    script = ROOT / "tests/support/recorded_params.py"
    arguments = ["-n", "-q", "--forceall", "--configfile", folder / "run.yaml", "--directory", folder]
    # where the names of CP2K's data that the configs have are looked up
    for file, name in (("BASIS_MOLOPT", "B"), ("GTH_POTENTIALS", "P")):
        (folder / file).write_text("".join(f"{element} {name}\n" for element in ("Li", "Ti", "Cl")))
    for name in ("structures", "config"):
        (folder / name).symlink_to(ROOT / name)
    done = subprocess.run(
        [sys.executable, script, folder / "out.json", *arguments],
        cwd=ROOT,
        env={**os.environ, "CP2K_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "out.json").read_text())


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.split()[1].strip(",}"))
def test_params_of_the_expensive_rules(tmp_path, level):
    start, end = TOY.index("levels:\n"), TOY.index("labels:\n")
    text = TOY[:start] + f"levels:\n  only: {level}\n\n" + TOY[end:]
    found = params(tmp_path, text.replace("  save_steps: 100", "  save_steps: 100\n  potentials: 2") + LOOP)
    for rule in ("relax", "aimd", "learning_label"):
        assert found[rule] and all(LEVELS[level] in job for job in found[rule])
    network = (
        "{'cutoff_angstrom': 5.0, 'cutoff_smooth_angstrom': 1.0, 'embedding': [8, 16], 'axis_neurons': 4, "
        "'type_one_side': True, 'fitting': [32, 32], "
    )
    assert all(any(text.startswith(network) for text in job) for job in found["learning_input"])
    assert all("0.02" in job and "0.05" in job for job in found["learning_select"])
    mechanism = "{'core_fraction': 0.3, 'concerted_window_ps': 0.5, 'fewest_hops': 10}"
    assert all(mechanism in job for job in found["mechanism"])


def test_a_list_of_one_mobile_element_records_what_the_element_does(tmp_path):
    found = []
    for name, mobile in (("text", "Li"), ("list", "[Li]")):
        folder = tmp_path / name
        folder.mkdir()
        found.append(params(folder, TOY.replace("mobile: Li", f"mobile: {mobile}")))
    assert found[0] == found[1]
    assert all("'Li'" in job for job in found[0]["md_cell"]) and all(
        "1" in job for job in found[0]["transport"]
    )
    wanted = "{'name': '101', 'direction': [1, 0, 1], 'start': None, 'end': None}"
    assert all(wanted in job for job in found[0]["barrier_paths"])
