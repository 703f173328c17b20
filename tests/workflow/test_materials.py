"""Other materials are configs without code: their DAGs, and one of them end to end at toy size."""

import csv
import json
import re

import pytest
import yaml

from running import ROOT, jobs, snakemake, told

# config -> jobs of a rule: what the file asks for; orderings are of the occupancies and cells that the run uses only
ONE_LEVEL = {"dataset": 1, "train": 1, "rdf": 1}
ON_SHIPPED_LABELS = {"dataset": 2, "train": 2, "given_labels": 1, "few_labels": 1}
JOBS = {
    "li3incl6": {"aimd": 11, "relax": 4, "md_segment": 12, "transport": 4, "orderings": 3}
    | ON_SHIPPED_LABELS,
    "li3ycl6": {"aimd": 11, "relax": 4, "md_segment": 24, "transport": 6, "orderings": 2} | ONE_LEVEL,
}


@pytest.mark.parametrize("name", JOBS)
def test_dry_run_has_every_stage(name, make_workdir):
    done = snakemake(make_workdir(name), "-n", "--cores", "2", "--configfile", f"config/{name}.yaml")
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    once = dict.fromkeys(("test_errors", "accept", "arrhenius", "report"), 1)
    expected = JOBS[name] | once | {"md_equilibrate": JOBS[name]["transport"]}
    assert {rule: table[rule] for rule in expected} == expected


def tiny_li3incl6():
    """The toy config with the material of config/li3incl6.yaml, and still less of everything."""
    config = yaml.safe_load((ROOT / "config/toy.yaml").read_text())
    other = yaml.safe_load((ROOT / "config/li3incl6.yaml").read_text())
    where = {"occupancy": "0.875", "cell": "80", "orderings": [0]}
    config.update(run="tiny", material=other["material"])
    config["structures"].update(
        occupancies=other["structures"]["occupancies"], cells={80: other["structures"]["cells"][80]}
    )
    config["labels"]["relax"]["cells"] = [where]
    config["labels"]["aimd"]["trajectories"] = [
        {**where, "temperatures_k": [500], "split": "train"},
        {**where, "temperatures_k": [600], "split": "test", "steps": 12},
    ]
    config["training"].update(steps=200, save_steps=100)
    config["md"].update(
        occupancy="0.875", cell="80", temperatures_k=[550, 600], segments=1, lattice="relaxed"
    )
    return config


@pytest.mark.toy
def test_li3incl6_from_cif_to_report(make_workdir):
    workdir = make_workdir("li3incl6")
    (workdir / "tiny.yaml").write_text(yaml.safe_dump(tiny_li3incl6()))
    done = snakemake(workdir, "--cores", "2", "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]

    run = workdir / "results/tiny"
    summary = json.loads((run / "structures/0.875/80/summary.json").read_text())
    atoms = {(row["site"], row["species"]): row["atoms"] for row in summary["sites"]}
    assert atoms == {
        **{("In1", "In"): 7, ("In2", "In"): 1},
        **{("Li1", "Li"): 8, ("Li2", "Li"): 16},
        **{("Cl1", "Cl"): 16, ("Cl2", "Cl"): 32},
    }
    assert summary["composition"] == {"Li": 24, "In": 8, "Cl": 48}
    assert summary["charge_e"] == 0 and summary["largest_rounding_error"] == 0
    assert [row["composition"] for row in summary["orderings"]] == [summary["composition"]] * 2

    with (run / "dataset/chgnet/provenance.csv").open() as file:
        assert {row["split"] for row in csv.DictReader(file)} == {"train", "test"}
    for name in (
        "labels/chgnet/relax/lattice.csv",
        "training/chgnet/0/compressed.pb",
        "validation/chgnet/errors.json",
        "validation/chgnet/rdf.png",
        "md/chgnet/550K/r0/0001.dcd",
        "transport/chgnet/600K.json",
        "transport/chgnet/arrhenius.png",
        "summary.txt",
    ):
        assert (run / name).stat().st_size > 0, name
    text = told((run / "report.html").read_text())
    assert "Li3InCl6" in text
    assert not re.search(r"\b(nan|NaN|None)\b", text)


def two_carriers(workdir):
    """The toy config with sodium on one of lithium's sites, and both of them mobile."""
    cif = (ROOT / "structures/Li3TiCl6.cif").read_text()
    changed = cif.replace("Li1 Li 2 d", "Na1 Na 2 d").replace("'Li6 Ti2 Cl12'", "'Li4 Na2 Ti2 Cl12'")
    (workdir / "structures/two.cif").write_text(changed)
    config = yaml.safe_load((ROOT / "config/toy.yaml").read_text())
    config["run"] = "two"
    config["material"].update(
        cif="structures/two.cif",
        mobile=["Li", "Na"],
        charges={"Li": 1, "Na": 1, "Ti": 3, "Cl": -1},
        species=["Li", "Na", "Ti", "Cl"],
        reference=None,
    )
    config["structures"]["occupancies"] = {"0.750": {"2a": 0.750, "4g": 0.125}}
    config["barriers"]["hops"][0]["ion"] = "Na"
    return config


def test_dry_run_with_several_carriers(make_workdir):
    workdir = make_workdir("two")
    (workdir / "two.yaml").write_text(yaml.safe_dump(two_carriers(workdir)))
    done = snakemake(workdir, "-n", "--cores", "2", "--configfile", "two.yaml")
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert table["transport"] == table["mechanism"] == 3 and table["barrier_paths"] == 1
