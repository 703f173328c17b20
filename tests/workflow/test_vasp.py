"""VASP levels through the DAG, with the stand-in of tests/support/fake_vasp.py in place of VASP: run here, and run elsewhere."""

import csv
import json
import os
import subprocess
import sys

import pytest
import yaml

from running import ROOT, jobs, snakemake

FAKE = ROOT / "tests/support/fake_vasp.py"
CONFIG = ("--cores", "2", "--configfile", "config/vasp.yaml")
LABELS = "results/vasp/labels"
TRAJECTORY = "aimd/0.750/80/0/400K/+0.000"


def prepare(workdir, **level):
    """Config of the toy run with the engine VASP at U = 0 and 4 eV, and a library of potentials' headers."""
    for element in ("Li", "Ti", "Cl"):
        folder = workdir / "potentials" / element
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(
            f"  PAW_GGA {element} 01Jan2000\n   VRHFIN ={element}: test\n   LEXCH  = 91\n"
            f"   TITEL  = PAW_GGA {element} 01Jan2000\n   ENMAX  =  271.649; ENMIN  =  203.737 eV\n End of Dataset\n"
        )
    config = yaml.safe_load((workdir / "config/toy.yaml").read_text())
    config["run"] = "vasp"
    config["structures"]["occupancies"] = {"0.750": {"2a": 0.75, "4g": 0.125}}
    shared = {
        "engine": "vasp",
        "magmom": {"Ti": 1.0},
        "moment_range": {"Ti": [0.5, 1.5]},
        "relax": {"fmax_ev_per_angstrom": 0.1, "restarts": 0},
        "aimd": {"chunk_steps": 30, "heating_ladder_k": [100], "heating_steps": 4},
        "potcar": {"directory": str(workdir / "potentials")},
        "max_rejected_fraction": 0.1,
    } | level
    config["levels"] = {f"u{u}": shared | {"hubbard_u_ev": {"Ti": u}} for u in (0, 4)}
    started = {"command": f"{sys.executable} {FAKE}", "custodian": False}
    config["launch"] = {"levels": {name: started for name in config["levels"]}}
    # one trajectory per split; the one for training is warm and has two segments after the ladder
    kinds = ((400, "train", 60), (200, "valid", 12), (300, "test", 12))
    for group, (kelvin, split, steps) in zip(config["labels"]["aimd"]["trajectories"], kinds, strict=True):
        group |= {"temperatures_k": [kelvin], "split": split, "steps": steps}
    config["labels"]["aimd"]["stride"] = 1
    config["validation"]["rdf_temperature_k"] = None
    # cold and short: the potential of so little training holds there
    config["md"] |= {"temperatures_k": [100, 150], "time_step_fs": 1.0, "equilibrate_ps": 0.1, "segments": 1}
    config["md"] |= {"segment_ps": 0.2, "position_interval_fs": 5.0}
    config["md"] |= {"all_atom_interval_ps": 0.02, "restart_interval_ps": 0.1, "lattice": "relaxed"}
    (workdir / "config/vasp.yaml").write_text(yaml.safe_dump(config))
    return workdir


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def lattice(workdir, level):
    return rows(workdir / LABELS / level / "relax/lattice.csv")[0]


@pytest.mark.toy
def test_both_levels_reach_the_report_with_a_killed_run_and_an_unconverged_step(make_workdir, monkeypatch):
    workdir = prepare(make_workdir("vasp"))
    mishap = {"only": f"{TRAJECTORY}/seg001/run00", "kill_after": 5, "unconverged": [2]}
    monkeypatch.setenv("FAKE_VASP", json.dumps(mishap))
    done = snakemake(workdir, *CONFIG)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]

    told = json.loads((workdir / LABELS / "u4" / TRAJECTORY / "frames.json").read_text())
    assert told["steps"] == 60 and told["rejected_reasons"] == {"electrons unconverged": 1}
    # the ladder, the killed one with its torn sixth step, its rest, the second segment
    assert [run["ionic_steps"] for run in told["runs"]] == [4, 6, 25, 30]
    provenance = rows(workdir / "results/vasp/dataset/u4/provenance.csv")
    used = [row["source"] for row in provenance if row["status"] == "used"]
    assert sorted(used.count(source) for source in set(used)) == [12, 12, 59]
    assert {row["moments_in_range"] for row in provenance} == {"True"}
    errors = json.loads((workdir / "results/vasp/validation/u4/errors.json").read_text())
    assert errors["moments"]["in_range"]["frames"] == errors["frames"] > 0
    assert errors["moments"]["left_their_state"] == {"frames": 0}
    # licensed potentials do not stay with results; only in the folders of bands, which are there to be run by hand
    assert not list((workdir / "results/vasp/labels").rglob("POTCAR"))

    table = rows(workdir / LABELS / "lattice.csv")
    assert [row["source"] for row in table[:4]] == ["u0", "u4", "paper, U = 0", "paper, U = 4 eV"]
    # the stand-in's bonds grow with U
    assert float(table[1]["volume"]) > 1.01 * float(table[0]["volume"])
    html = (workdir / "results/vasp/report.html").read_text()
    assert "VASP, PW91, no U" in html and "VASP, PW91, U(Ti) = 4 eV" in html
    for level in ("u0", "u4"):
        model = workdir / "results/vasp/training" / level / "0/compressed.pb"
        assert model.stat().st_size > 0 and f"{level}, ordering 0 of cell 80" in html

    again = snakemake(workdir, "-n", *CONFIG)
    assert jobs(again.stdout + again.stderr) == {}


@pytest.mark.slow
def test_jobs_run_elsewhere_are_listed_and_present_ones_go_on(make_workdir):
    workdir = prepare(make_workdir("external"), run="external")
    targets = [f"{LABELS}/{u}/relax/lattice.csv" for u in ("u0", "u4")]
    done = snakemake(workdir, *targets, *CONFIG)
    assert done.returncode != 0
    message = done.stderr[done.stderr.index("2 VASP jobs wait") :]
    assert all(
        f"{LABELS}/{u}/relax/0.750/80/0/vasp: 1-relax missing, 2-static missing" in message
        for u in ("u0", "u4")
    )

    job = workdir / LABELS / "u4/relax/0.750/80/0/vasp"
    subprocess.run([job / "run.sh"], env=os.environ | {"VASP": f"{sys.executable} {FAKE}"}, check=True)
    for path in list(job.glob("*/run00/OUTCAR")):
        path.unlink()  # brought back without its OUTCARs
    subprocess.run(["gzip", *job.glob("*/run00/vasprun.xml")], check=True)
    done = snakemake(workdir, *targets, *CONFIG)
    assert "1 VASP jobs wait" in done.stderr and f"{LABELS}/u0/relax" in done.stderr
    assert lattice(workdir, "u4")["converged"] == "True"
    listed = json.loads((workdir / LABELS / "u4/manifest.json").read_text())["jobs"]
    assert listed[0]["steps"] == {"1-relax": "done", "2-static": "done"}


@pytest.mark.slow
def test_the_paper_stages_every_relaxation(make_workdir):
    workdir = make_workdir("paper")
    cells = ("0.875/160", "0.844/320", "0.750/160")
    targets = [
        f"results/li3ticl6/labels/{u}/relax/{cell}/0/vasp/job.json" for u in ("u0", "u4") for cell in cells
    ]
    done = snakemake(workdir, *targets, "--cores", "2", "--configfile", "config/li3ticl6.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    for target, atoms, mesh in zip(
        targets, 2 * (160, 320, 160), 2 * ([4, 2, 4], [4, 2, 2], [4, 2, 4]), strict=True
    ):
        record = json.loads((workdir / target).read_text())
        assert sum(record["counts"]) == atoms and record["kpoints"]["mesh"] == mesh
        u = record["level_of_theory"]["hubbard_u_ev"]
        assert u == ({"Ti": 4.0} if "/u4/" in target else {}) and sum(record["moments"]) == atoms / 10


@pytest.mark.slow
def test_a_changed_level_does_not_take_the_results_of_the_former_one(make_workdir):
    workdir = prepare(make_workdir("restaged"))
    target, job = f"{LABELS}/u4/relax/lattice.csv", workdir / LABELS / "u4/relax/0.750/80/0"
    assert snakemake(workdir, target, *CONFIG).returncode == 0
    path = workdir / "config/vasp.yaml"
    config = yaml.safe_load(path.read_text())
    config["levels"]["u4"] |= {"functional": "r2SCAN", "potcar": {"directory": str(workdir / "pbe")}}
    for element in ("Li", "Ti", "Cl"):
        header = (workdir / "potentials" / element / "POTCAR").read_text()
        (workdir / "pbe" / element).mkdir(parents=True)
        header = header.replace("PAW_GGA", "PAW_PBE").replace("= 91", "= PE")
        (workdir / "pbe" / element / "POTCAR").write_text(header)
    path.write_text(yaml.safe_dump(config))
    done = snakemake(workdir, target, *CONFIG)
    assert done.returncode != 0 and "a run of other settings is here" in done.stderr
    assert (job / "vasp/1-relax/run00/OUTCAR.gz").exists()
    # moved away, they are computed again, and recorded as what they are
    for step in ("1-relax", "2-static"):
        (job / "vasp" / step / "run00").rename(job / f"former-{step}")
    done = snakemake(workdir, target, *CONFIG)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((job / "relax.json").read_text())["theory"]["functional"] == "r2SCAN"
