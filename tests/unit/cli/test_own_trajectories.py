"""`dlmd transport` on other people's files: charges, names of results, exit codes, what is said before minutes of reading."""

import json
import shlex

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.formatting import interval
from dlmd.cli import main
from dlmd.transport.charges import ONLY_CHARGE, _known, charge_of
from two_carriers import write_two_carriers

CELL_A = 14.0


def write_run(path, *, seed=0, frames=400, mobile="Li", host="Cl", d=0.05):
    """16 ions with a known D every 0.5 ps among 24 atoms that vibrate as at 600 K, as a LAMMPS dump."""
    rng = np.random.default_rng(seed)
    start = rng.random((40, 3)) * CELL_A
    walk = rng.normal(0, np.sqrt(2 * d * 0.5), (frames, 16, 3)).cumsum(axis=0)
    positions = start + np.concatenate([walk, rng.normal(0, 0.15, (frames, 24, 3))], axis=1)
    lines = []
    for number, frame in enumerate(positions):
        lines += ["ITEM: TIMESTEP", str(500 * number), "ITEM: NUMBER OF ATOMS", "40"]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"0 {CELL_A}"] * 3, "ITEM: ATOMS id element xu yu zu"]
        lines += [
            f"{i + 1} {mobile if i < 16 else host} {x:.5f} {y:.5f} {z:.5f}"
            for i, (x, y, z) in enumerate(frame)
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("own") / "run.dump")


def call(capsys, command):
    code = main.main(shlex.split(command))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_result_is_not_overwritten_by_that_of_another_run(trajectory, tmp_path, capsys):
    command = f"transport {trajectory} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}/out"
    assert call(capsys, command)[0] == 0
    assert call(capsys, command)[0] in (0, 3)  # the same run may be made again
    other = write_run(tmp_path / "other.dump", seed=3)
    again = command.replace(str(trajectory), str(other))
    code, _, error = call(capsys, again)
    assert code == 1 and f"600K.json is the result of other files: {trajectory}, now {other}" in error
    assert "--name" in error
    assert call(capsys, again + " --name second")[0] in (0, 3)  # with or without a verdict, it is written
    results = [json.loads((tmp_path / f"out/{name}.json").read_text()) for name in ("600K", "second")]
    assert results[0]["d_self_cm2_per_s"] != results[1]["d_self_cm2_per_s"]


def test_a_result_is_not_overwritten_by_that_of_other_ions(trajectory, tmp_path, capsys):
    command = f"transport {trajectory} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}/out"
    assert call(capsys, command)[0] == 0
    code, _, error = call(capsys, command.replace("--mobile Li", "--mobile Cl --charge=-1"))
    assert code == 1 and "600K.json is the result of 16 Li, now 24 Cl are mobile" in error


def test_json_on_stdout(trajectory, tmp_path, capsys):
    code, printed, _ = call(
        capsys, f"transport {trajectory} --mobile Li --time-step 1 --temperature 600 --json -o {tmp_path}"
    )
    result = json.loads(printed)
    assert code == 0
    # 0.05 Å²/ps
    assert result["d_self_cm2_per_s"]["low"] < 5e-6 < result["d_self_cm2_per_s"]["high"]
    assert result["composition"] == {"Li": 16, "Cl": 24}


def test_two_frames_are_too_short(tmp_path, capsys):
    path = write_run(tmp_path / "a.dump", frames=2)
    code, _, error = call(
        capsys, f"transport {path} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}"
    )
    assert code == 1 and "2 frames are too short a run" in error


def test_the_charge_is_asked_for_before_everything_is_read(tmp_path, capsys, monkeypatch):
    from dlmd.trajectory.ion_store import IonStore

    path = write_run(tmp_path / "cu.dump", mobile="Cu", host="S")
    added, add = [], IonStore.add
    monkeypatch.setattr(IonStore, "add", lambda self, *a: added.append(1) or add(self, *a))
    code, _, error = call(
        capsys, f"transport {path} --mobile Cu --time-step 1 --temperature 600 -o {tmp_path}"
    )
    assert code == 1 and "Cu has several common charges: +1, +2, +3" in error and "--charge" in error
    assert len(added) <= 2


@pytest.mark.parametrize(
    ("element", "compound", "charge"),
    [
        ("Li", {}, 1),
        ("Cu", {"Cu": 2, "Se": 1}, 1),
        ("Cu", {"Cu": 24, "P": 4, "S": 20, "Cl": 4}, 1),
        ("Ag", {"Ag": 1, "I": 1}, 1),
        ("O", {"Zr": 3, "Y": 2, "O": 9}, -2),
        ("Cu", {"Cu": 2, "S": 3}, None),
        ("Cu", {}, None),
    ],
)
def test_charges(element, compound, charge):
    if charge is None:
        with pytest.raises(DlmdError, match="several common charges"):
            charge_of(element, None, compound)
    else:
        assert charge_of(element, None, compound)[0] == charge
    assert charge_of(element, 0.5, compound) == (0.5, None)


def test_charges_known_beforehand_are_those_of_pymatgen():
    assert {element: _known(element) for element in ONLY_CHARGE} == {e: [z] for e, z in ONLY_CHARGE.items()}


def test_arrhenius_does_not_mix_crystals(tmp_path, capsys):
    def result(name, temperature, **system):
        estimate = {"value": 1.0, "low": 0.9, "high": 1.1}
        names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")
        data = {"format": "dlmd-transport", "mobile": "Li", "temperature_k": temperature, "confidence": 0.95}
        data |= {
            "verdict": {"code": "ok", "message": "", "gates": []},
            **dict.fromkeys(names, estimate),
            **system,
        }
        (tmp_path / name).write_text(json.dumps(data))
        return str(tmp_path / name)

    one = {"composition": {"Li": 24, "In": 8, "Cl": 48}}
    twice = {"composition": {"Li": 48, "In": 16, "Cl": 96}}
    other = {"composition": {"Li": 24, "Y": 8, "Cl": 48}}
    files = [result("5.json", 500, **one), result("6.json", 600, **twice), result("7.json", 700, **one)]
    assert call(capsys, f"arrhenius {shlex.join(files)} -o {tmp_path}")[0] in (0, 3)
    code, _, error = call(
        capsys, f"arrhenius {shlex.join([*files, result('8.json', 800, **other)])} -o {tmp_path}"
    )
    assert code == 1 and "results of different crystals" in error and "YCl6" in error
    bare = [result(f"{n}.json", 100 * n, n_ions=24, n_host_atoms=56 + 8 * (n == 3)) for n in (1, 2, 3)]
    code, _, error = call(capsys, f"arrhenius {shlex.join(bare)} -o {tmp_path}")
    assert code == 1 and "host atoms per ion" in error


def test_exit_codes_are_in_the_docs():
    from dlmd.cli.docs import render
    from dlmd.cli.exit_codes import MEANING

    assert all(f"| {code} | {meaning} |" in render() for code, meaning in MEANING.items())


# --- page, study, rdf, mechanism ---------------------------------------------------------------------------------


def test_one_page_with_all_of_it(trajectory, tmp_path, capsys):
    command = f"transport {trajectory} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}"
    assert call(capsys, command)[0] == 0
    page = (tmp_path / "600K.html").read_text()
    result = json.loads((tmp_path / "600K.json").read_text())
    sha = list(result["provenance"]["inputs"][0].values())[-1]
    for text in (
        "Radial distribution",
        "Mean square displacements",
        "c*",
        sha,
        "run.dump",
        "Cl24Li16",
        "charge +1 e",
    ):
        assert text in page
    assert page.count("<img ") == 2 and "http://" not in page.split("<script>")[0]
    table = np.genfromtxt(tmp_path / "600K.rdf.csv", delimiter=",", names=True)
    assert {"CL_MD", "ClLi_MD", "LiLi_MD"} & set(table.dtype.names)


def activated(temperature_k):
    return 20.0 * np.exp(-0.25 / (8.617333262e-5 * temperature_k))


@pytest.fixture(scope="module")
def temperatures(tmp_path_factory):
    """Three temperatures with an activation energy of 0.25 eV; each told in another way."""
    folder = tmp_path_factory.mktemp("study")
    for temperature_k, name in ((500, "500K"), (600, "hot"), (700, "warm")):
        (folder / name).mkdir()
        write_run(folder / name / "traj.dump", seed=temperature_k, d=activated(temperature_k))
    (folder / "hot/log.lammps").write_text("fix 1 all nvt temp 600.0 600.0 0.1\nrun 1000\n")
    (folder / "warm/INCAR").write_text("IBRION = 0\nTEBEG = 700\n TEEND = 700\n")
    return folder


def test_a_study_of_all_temperatures(temperatures, tmp_path, capsys):
    runs = shlex.join(str(temperatures / name) for name in ("warm", "500K", "hot"))
    command = f"study {runs} --mobile Li --time-step 1 -o {tmp_path}"
    code, printed, shown = call(capsys, command + " --show")
    assert code == 0 and printed == "" and not list(tmp_path.iterdir())
    lines = shown.splitlines()
    assert [line.split(" (")[0] for line in lines] == ["500 K", "600 K", "700 K"]
    assert "by name 500K" in lines[0] and "thermostat in log.lammps" in lines[1] and "INCAR" in lines[2]
    code, printed, _ = call(capsys, command)
    assert code in (0, 3)  # runs of 200 ps may only show the way
    fitted = json.loads((tmp_path / "arrhenius.json").read_text())
    energy = fitted["fits"]["d_self"]["activation_energy_ev"]
    assert energy["low"] < 0.25 < energy["high"]
    page = (tmp_path / "study.html").read_text()
    assert "E_a" in page and "σ at 298.15 K" in page and page.count("<img ") == 2
    assert {p.name for p in tmp_path.glob("*K.html")} == {"500K.html", "600K.html", "700K.html"}


def test_temperatures_that_are_unknown_or_contradict_each_other(temperatures, tmp_path, capsys):
    lost = tmp_path / "lost"
    lost.mkdir()
    (lost / "traj.dump").write_text((temperatures / "hot/traj.dump").read_text())
    code, _, error = call(capsys, f"study {lost} --mobile Li --time-step 1 -o {tmp_path}/o")
    assert code == 1 and "the temperature is unknown" in error
    (lost / "log.lammps").write_text(
        "Step Temp PotEng\n0 300.0 -1\n1000 601.0 -1\n2000 599.0 -1\nLoop time\n"
    )
    code, _, error = call(capsys, f"study {lost} --show --mobile Li -o {tmp_path}/o")
    assert code == 0 and "600 K (by thermo in log.lammps)" in error
    lost.rename(tmp_path / "300K")
    code, _, error = call(capsys, f"study {tmp_path / '300K'} --show --mobile Li -o {tmp_path}/o")
    assert code == 1 and "300 K by its name 300K, 600 K by its thermo" in error


def test_rdf_and_van_hove(tmp_path, capsys):
    """A rock-salt lattice: first peaks at a/2, six neighbours, and a van Hove self part that holds all ions."""
    a = 7.0
    lines = []
    rng = np.random.default_rng(0)
    corner = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    basis = np.concatenate([corner, corner + np.array([0.5, 0, 0])])
    cells = np.stack(np.meshgrid(*[range(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    sites = (basis[:, None] + cells[None]).reshape(-1, 3) * a
    names = ["Na"] * (4 * 27) + ["Cl"] * (4 * 27)
    for _ in range(40):
        lines += [str(len(sites)), f'Lattice="{3 * a} 0 0 0 {3 * a} 0 0 0 {3 * a}"']
        moved = sites + rng.normal(0, 0.1, sites.shape)
        lines += [f"{n} {x:.5f} {y:.5f} {z:.5f}" for n, (x, y, z) in zip(names, moved, strict=True)]
    (tmp_path / "a.xyz").write_text("\n".join(lines) + "\n")
    command = f"rdf {tmp_path}/a.xyz --mobile Na --time-step 1 --stride 100 --lags 1 -o {tmp_path}/out"
    code, printed, _ = call(capsys, command)
    assert (code == 0 and "Cl-Na: first peak 3.4" in printed) or "first peak 3.5" in printed
    coordination = np.genfromtxt(tmp_path / "out/coordination.csv", delimiter=",", names=True)
    assert np.interp(4.2, coordination["r_a"], coordination["NaCl"]) == pytest.approx(6.0, abs=0.01)
    hove = np.genfromtxt(tmp_path / "out/van_hove_self.csv", delimiter=",", skip_header=1)
    assert hove[:, 1].sum() * (hove[1, 0] - hove[0, 0]) == pytest.approx(1.0, abs=0.01)
    distinct = np.genfromtxt(tmp_path / "out/van_hove_distinct.csv", delimiter=",", skip_header=1)
    assert distinct[distinct[:, 1].argmax(), 0] == pytest.approx(a / 2**0.5, abs=0.15)


def write_jumps(path):
    """Jumps that were put in, as a trajectory of all atoms of Li3TiCl6 in extended XYZ."""
    from li3ticl6_jumps import CELL, host, run

    trajectory, made = run(3, within=0.02, between=0.01, length_ps=30.0)[:2]
    still = host()
    rng = np.random.default_rng(0)
    ions = np.concatenate(list(trajectory.blocks()), axis=1) + still.centre
    lattice = " ".join(f"{x:.8f}" for x in CELL.ravel())
    lines = []
    for frame in ions:
        others = still.positions + still.centre + rng.normal(0, 0.05, still.positions.shape)
        places = np.concatenate([frame, others])
        lines += [str(len(places)), f'Lattice="{lattice}"']
        names = ["Li"] * len(frame) + list(still.species)
        lines += [f"{n} {x:.4f} {y:.4f} {z:.4f}" for n, (x, y, z) in zip(names, places, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return made, trajectory


def test_mechanism_of_ones_own_trajectory(tmp_path, capsys):
    from pathlib import Path

    import ase.io
    from ase.io.cube import read_cube_data

    made, trajectory = write_jumps(tmp_path / "a.xyz")
    cif = Path(__file__).parents[3] / "structures/Li3TiCl6.cif"
    step = trajectory.frame_interval_ps * 1000
    command = (
        f"mechanism {tmp_path}/a.xyz --mobile Li --time-step {step:g} --stride 1 --temperature 600 --trust-options "
        f"--wrapped no -o {tmp_path}/out"
    )
    code, _, error = call(capsys, command)  # without a CIF: the density alone
    assert code == 0, error
    density, atoms = read_cube_data(str(tmp_path / "out/density.cube"))
    voxel = atoms.get_volume() / density.size
    assert density.sum() * voxel == pytest.approx(trajectory.n_ions, rel=1e-3)
    assert ase.io.read(tmp_path / "out/density.cube").get_chemical_symbols().count("Cl") > 0
    # a last frame that is cut inside
    whole = (tmp_path / "a.xyz").read_text()
    (tmp_path / "a.xyz").write_text(whole[: -len(whole.splitlines()[-1]) - 20])
    code, printed, error = call(capsys, f"{command} --cif {cif}")
    assert code == 0 and "verdict: ok" in printed, error + printed
    result = json.loads((tmp_path / "out/600K.json").read_text())
    rows = (tmp_path / "out/600K.hops.csv").read_text().splitlines()
    assert len(rows) - 1 == pytest.approx(sum(made), rel=0.1)
    assert result["n_ions"] == trajectory.n_ions and len(result["classes"]) >= 2
    (cut,) = [note for note in result["notes"] if "ends in the middle of a frame" in note]
    assert f"- {cut}" in printed
    rates = [
        interval(row["rate_per_ps"], scale=1000)
        for row in (result["hops"], *result["classes"])
        if "rate_per_ps" in row
    ]
    for said in (
        *rates,
        "occupancy",
        "residence (ps)",
        "straight back to the site before:",
    ):
        assert said in printed, said
    for row in result["sites"]:
        assert row["occupancy"] is None or interval(row["occupancy"], ".2f") in printed
    for kind in ("sites", "hops", "density", "traces"):
        assert (tmp_path / f"out/600K.{kind}.png").stat().st_size > 0


# --- several carriers ---------------------------------------------------------------------------------------------


def two_carriers_known(path, *, frames=1500):
    """The dump, and the matrix of its carriers."""
    write_two_carriers(path, frames=frames)
    own, shared = {"Li": 8 * 0.04, "Na": 8 * 0.0225}, 64 * 0.0064
    return path, {"Li-Li": own["Li"] + shared, "Na-Na": own["Na"] + shared, "Li-Na": shared}


def test_two_carriers(tmp_path, capsys):
    from dlmd.base.units import conductivity_ms_per_cm

    path, growth = two_carriers_known(tmp_path / "a.dump")
    command = f"transport {path} --mobile Li Na --time-step 1 --temperature 600 -o {tmp_path} --lag-start 1 --lag-end 3"
    code, printed, error = call(capsys, command + " --charge Li=1,Na=0.9")
    assert code == 0, error + printed
    result = json.loads((tmp_path / "600K.json").read_text())
    unit = conductivity_ms_per_cm(
        diffusion_a2_per_ps=1.0, n_ions=1, charge_e=1.0, volume_angstrom3=CELL_A**3, temperature_k=600.0
    )
    charge = {"Li": 1.0, "Na": 0.9}
    for pair, value in growth.items():
        a, b = pair.split("-")
        estimate = result["together"]["matrix_ms_per_cm"][pair]
        assert estimate["low"] < value / (2 * 0.5) * unit * charge[a] * charge[b] < estimate["high"]
    assert "transference number Na" in printed and "correlation Li-Na" in printed
    assert result["carriers"]["Na"]["n_ions"] == 8 and result["carriers"]["Li"]["n_host_atoms"] == 24
    assert (
        result["carriers"]["Li"]["d_self_cm2_per_s"]["low"]
        < (0.04 + 0.0064) * 1e-4
        < result["carriers"]["Li"]["d_self_cm2_per_s"]["high"]
    )
    code, _, error = call(capsys, command + " --charge 1 --name other")
    assert code == 1 and "one --charge 1 for several mobile elements" in error


def test_mobile_takes_several_words():
    from dlmd.cli.own_trajectory import mobile_joined

    assert mobile_joined("transport a --mobile Li Na --stride 2".split())[3] == "Li,Na"
    assert mobile_joined("transport --mobile Li a.dump".split())[2:] == ["Li", "a.dump"]


# --- mobile ions by type and by number ------------------------------------------------------------------------------


def write_typed(path, *, frames=700):
    """LAMMPS types 1 and 2 are both Li: 8 walk, 8 rest at their places with the 24 Cl of type 3."""
    rng = np.random.default_rng(3)
    start = rng.random((40, 3)) * CELL_A
    walk = rng.normal(0, 0.2, (frames, 8, 3)).cumsum(axis=0)
    rest = rng.normal(0, 0.15, (frames, 32, 3))
    types = [1] * 8 + [2] * 8 + [3] * 24
    lines = []
    for number, frame in enumerate(start + np.concatenate([walk, rest], axis=1)):
        lines += ["ITEM: TIMESTEP", str(500 * number), "ITEM: NUMBER OF ATOMS", "40"]
        lines += ["ITEM: BOX BOUNDS pp pp pp", *[f"0 {CELL_A}"] * 3, "ITEM: ATOMS id type xu yu zu"]
        lines += [f"{i + 1} {types[i]} {x:.5f} {y:.5f} {z:.5f}" for i, (x, y, z) in enumerate(frame)]
    path.write_text("\n".join(lines) + "\n")


def test_mobile_ions_by_type_and_by_number(tmp_path, capsys):
    write_typed(tmp_path / "a.dump")
    command = f"transport {tmp_path}/a.dump --species Li Li Cl --time-step 1 --temperature 600 --charge 1 -o {tmp_path}"
    found = {}
    for name, mobile in (("type", "type 1"), ("numbers", "1-7 8"), ("all", "Li")):
        _, _, error = call(capsys, f"{command} --name {name} --mobile {mobile}")
        assert not error, error
        found[name] = json.loads((tmp_path / f"{name}.json").read_text())
    assert found["type"]["n_ions"] == found["numbers"]["n_ions"] == 8 and found["all"]["n_ions"] == 16
    assert found["type"]["n_host_atoms"] == 32 and found["type"]["mobile"] == "Li"
    assert found["type"]["d_self_cm2_per_s"] == found["numbers"]["d_self_cm2_per_s"]
    assert found["type"]["msd"]["self_a2"][-1] > 1.7 * found["all"]["msd"]["self_a2"][-1]
    assert any("mobile by type 1: 8 of 16 Li" in note for note in found["type"]["notes"])


@pytest.mark.parametrize(
    ("mobile", "told"),
    [
        ("type 4", "there are types 1, 2, 3"),
        ("30-48", "the atoms are 1 to 40"),
        ("0", "the atoms are 1 to 40"),
    ],
)
def test_a_selection_of_nothing_is_refused(tmp_path, capsys, mobile, told):
    write_typed(tmp_path / "a.dump", frames=20)
    command = f"transport {tmp_path}/a.dump --species Li Li Cl --time-step 1 --temperature 600 -o {tmp_path}"
    code, _, error = call(capsys, f"{command} --mobile {mobile}")
    assert code == 1 and told in error and len(error.strip().splitlines()) <= 3


# --- sites of one's own, and files that an error leaves ---------------------------------------------------------------


def test_mechanism_with_sites_of_ones_own(tmp_path, capsys):
    """Sites from a structure file find the hops that the CIF of the same sites finds."""
    from pathlib import Path

    import ase
    import ase.io

    from dlmd.mechanism.site_lattice import site_lattice
    from dlmd.structures.crystal import read_cif

    made, trajectory = write_jumps(tmp_path / "a.xyz")
    cif = Path(__file__).parents[3] / "structures/Li3TiCl6.cif"
    lattice = site_lattice(read_cif(cif), mobile="Li", charges={"Li": 1, "Ti": 3, "Cl": -1})
    resting = [k for k, t in enumerate(lattice.type_of_site) if lattice.types[t].resting]
    sites = ase.Atoms(
        [
            "Li" if lattice.types[lattice.type_of_site[k]].label.endswith(("2d", "4h")) else "Na"
            for k in resting
        ],
        scaled_positions=lattice.fractional[resting],
        cell=read_cif(cif).lattice,
        pbc=True,
    )
    ase.io.write(tmp_path / "sites.vasp", sites, format="vasp")
    step = trajectory.frame_interval_ps * 1000
    command = (
        f"mechanism {tmp_path}/a.xyz --mobile Li --time-step {step:g} --stride 1 --temperature 600 --trust-options "
        f"--wrapped no -o {tmp_path}/out --sites {tmp_path}/sites.vasp"
    )
    code, printed, error = call(capsys, command)
    assert code == 0 and "verdict: ok" in printed, error + printed
    rows = (tmp_path / "out/600K.hops.csv").read_text().splitlines()
    assert len(rows) - 1 == pytest.approx(sum(made), rel=0.1)
    code, _, error = call(capsys, f"{command} --cif {cif}")
    assert code == 1 and "--cif and --sites together" in error


def test_sites_that_are_no_sites_are_refused_and_leave_no_files(tmp_path, capsys):
    import ase
    import ase.io

    write_run(tmp_path / "a.dump", frames=30)
    command = f"mechanism {tmp_path}/a.dump --mobile Li --time-step 1 --temperature 600 --charges Li=1 Cl=-1"
    command += f" -o {tmp_path}/out --sites "
    twice = ase.Atoms("Li2", positions=[[0, 0, 0], [0.1, 0, 0]], cell=[CELL_A] * 3, pbc=True)
    few = ase.Atoms("Li2", positions=[[0, 0, 0], [5, 0, 0]], cell=[CELL_A] * 3, pbc=True)
    other = ase.Atoms("Li2", positions=[[0, 0, 0], [5, 0, 0]], cell=[9, 10, 11], pbc=True)
    bare = ase.Atoms("Li2", positions=[[0, 0, 0], [5, 0, 0]])
    for atoms, told in (
        (twice, "0.10 Å apart"),
        (few, "2 sites for 16 ions"),
        (other, "no repetition"),
        (bare, "no cell"),
    ):
        ase.io.write(tmp_path / "sites.extxyz", atoms)
        code, _, error = call(capsys, f"{command}{tmp_path}/sites.extxyz")
        assert code == 1 and told in error, error
        assert len(error.strip().splitlines()) <= 3
    code, _, error = call(capsys, f"{command}{tmp_path}/none.vasp")
    assert code == 1 and "no such file" in error
    assert not (tmp_path / "out").exists()


def test_lags_beyond_the_run_are_named_and_leave_no_files(tmp_path, capsys):
    write_run(tmp_path / "a.dump", frames=30)
    command = f"rdf {tmp_path}/a.dump --mobile Li --time-step 1 -o {tmp_path}/out"
    for lag in ("1000", "0.1"):
        code, _, error = call(capsys, f"{command} --lags 1 {lag}")
        assert (
            code == 1 and f"--lags {lag} ps: the run has lags from 0.5 ps" in error and "to 14.5 ps" in error
        )
    assert not (tmp_path / "out").exists()
    assert call(capsys, f"{command} --lags 1 14.5")[0] == 0
    assert (tmp_path / "out/van_hove_self.csv").read_text().startswith("r_a,1 ps,14.5 ps")


def test_van_hove_of_each_of_several_carriers(tmp_path, capsys):
    two_carriers_known(tmp_path / "a.dump", frames=40)
    code, _, error = call(
        capsys, f"rdf {tmp_path}/a.dump --mobile Li Na --time-step 1 --lags 2 -o {tmp_path}/out"
    )
    assert code == 0, error
    assert (tmp_path / "out/van_hove_distinct.csv").read_text().splitlines()[0] == "r_a,Li 2 ps,Na 2 ps"


def test_arrhenius_as_json(tmp_path, capsys):
    from exact_lines import result

    for t in (500, 600, 700):
        (tmp_path / f"{t}K.json").write_text(
            json.dumps({"format": "dlmd-transport", "haven_ratio": None, **result(t)})
        )
    code, printed, error = call(
        capsys,
        f"arrhenius {tmp_path}/500K.json {tmp_path}/600K.json {tmp_path}/700K.json --json -o {tmp_path}/out",
    )
    assert code in (0, 3), error
    assert json.loads(printed) == json.loads((tmp_path / "out/arrhenius.json").read_text())


def test_no_trajectory_is_told_of_a_reference_paper(trajectory, tmp_path, capsys):
    _, printed, _ = call(
        capsys, f"transport {trajectory} --mobile Li --time-step 1 --temperature 600 -o {tmp_path}"
    )
    assert "reference paper" not in printed and "counts the correlation" in printed


@pytest.mark.parametrize(
    ("name", "file", "text", "told"),
    [
        ("anneal_900K_to_600K", "", "", "several temperatures: 900 K, 600 K"),
        ("600K", "INCAR", "TEBEG = 300\nTEEND = 900\n", "goes from 300 K to 900 K by its INCAR"),
        ("600K", "log.lammps", "fix 1 all nvt temp 300.0 600.0 0.1\nrun 1000\n", "goes from 300 K to 600 K"),
        ("500K", "log.lammps", "fix 1 all nvt temp 600.0 600.0 0.1\nrun 1000\n", "500 K by its name"),
    ],
)
def test_runs_without_one_temperature_are_refused(tmp_path, capsys, name, file, text, told):
    folder = tmp_path / name
    folder.mkdir()
    write_run(folder / "a.dump", frames=2)
    if file:
        (folder / file).write_text(text)
    code, _, error = call(capsys, f"study {folder} --mobile Li --time-step 1 --show")
    assert code == 1 and told in error and len(error.strip().splitlines()) <= 3


def test_a_ramp_before_the_run_is_no_ramp_of_the_run(tmp_path, capsys):
    folder = tmp_path / "600K"
    folder.mkdir()
    write_run(folder / "a.dump", frames=2)
    log = (
        "fix 1 all nvt temp 10.0 600.0 0.1\nrun 1000\nunfix 1\nfix 2 all nvt temp 600.0 600.0 0.1\nrun 1000\n"
    )
    (folder / "log.lammps").write_text(log)
    assert call(capsys, f"study {folder} --mobile Li --time-step 1 --show")[0] == 0


@pytest.mark.parametrize("charge", ["Na=1", "Li=0.9,Cl=-0.6"])
def test_charges_that_no_mobile_ion_has_are_refused(tmp_path, capsys, charge):
    write_run(tmp_path / "a.dump", frames=20)
    command = f"transport {tmp_path}/a.dump --mobile Li --time-step 1 --temperature 600 -o {tmp_path}/out"
    code, _, error = call(capsys, f"{command} --charge {charge}")
    assert code == 1 and "but Li is mobile" in error


def test_a_result_of_several_carriers_of_an_earlier_version_is_refused(tmp_path, capsys):
    (tmp_path / "600K.json").write_text(
        json.dumps({"format": "dlmd-carriers", "carriers": {"Li": {}, "Na": {}}})
    )
    code, _, error = call(capsys, f"arrhenius {tmp_path}/600K.json -o {tmp_path}/out")
    assert code == 1 and "of an earlier version: Li, Na" in error
