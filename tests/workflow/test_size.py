"""A second cell of production: what it adds to the DAG, what it leaves alone, and what it gives."""

import json
import shutil

from running import jobs, snakemake

CELL = "    80: [2, 1, 2]\n"
CHECK = '  size_check: {cell: "160", temperatures_k: [600]}\n'
CONFIG = ("--configfile", "config/size.yaml")


def write_config(workdir):
    text = (workdir / "config/toy.yaml").read_text()
    text = text.replace(CELL, CELL + "    160: [2, 2, 2]\n").replace("\nmd:\n", "\nmd:\n" + CHECK)
    (workdir / "config/size.yaml").write_text(text)


def test_several_potentials_are_compared_run_by_run(make_workdir):
    workdir = make_workdir("several")
    write_config(workdir)
    path = workdir / "config/size.yaml"
    text = path.read_text().replace("  save_steps: 100", "  save_steps: 100\n  potentials: 2")
    path.write_text(text.replace("  replicas: 1\n", "  replicas: 2\n  potentials: 2\n"))
    done = snakemake(workdir, "results/toy/transport/chgnet/size.json", "-n", "--cores", "1", *CONFIG)
    table = jobs(done.stdout + done.stderr)
    # the second cell runs with the first potential, and is compared with production's two runs with that one
    assert (table["size_transport"], table["transport_of_run"], table["size_check"]) == (1, 2, 1)
    assert "transport" not in table


def test_a_second_cell_by_swap_monte_carlo(make_workdir):
    workdir = make_workdir("swapped")
    write_config(workdir)
    path = workdir / "config/size.yaml"
    text = path.read_text().replace("    160: [2, 2, 2]\n", "    160: [2, 2, 2]\n    320: [2, 2, 4]\n")
    sampling = "sampling: {80: random, 160: swap_mc, 320: swap_mc}\n  swap_mc: {temperature_k: 700}"
    source = '  lattice_from: {occupancy: "0.750", cell: "80", orderings: [0]}\n'
    text = text.replace("sampling: random", sampling).replace('{cell: "160"', '{cell: "320"')
    path.write_text(text.replace('\n  cell: "80"\n', '\n  cell: "160"\n' + source))
    done = snakemake(workdir, "results/toy/transport/chgnet/size.json", "-n", "--cores", "1", *CONFIG)
    table = jobs(done.stdout + done.stderr)
    assert (table["md_swap"], table["size_swap"], table["size_cell"]) == (1, 1, 1)


def test_the_second_cell_of_a_finished_run(toy_run, make_workdir):
    workdir = make_workdir("size")
    shutil.copytree(toy_run, workdir, dirs_exist_ok=True)
    write_config(workdir)
    done = snakemake(workdir, "-n", "--cores", "1", *CONFIG)
    table = jobs(done.stdout + done.stderr)
    assert (table["size_cell"], table["size_equilibrate"], table["size_segment"]) == (1, 1, 2)
    assert table["size_transport"] == table["size_check"] == table["arrhenius"] == table["report"] == 1
    # nothing that was there is run again
    assert not {"train", "aimd", "relax", "md_equilibrate", "md_segment", "npt_segment"} & set(table)

    done = snakemake(workdir, "results/toy/transport/chgnet/size.json", "--cores", "2", *CONFIG)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    run = workdir / "results/toy"
    found = json.loads((run / "transport/chgnet/size.json").read_text())
    assert found["n_ions"] == [24, 48] and found["verdict"]["code"] == "size_unknown"
    own, second = (
        json.loads((run / f"md/chgnet/600K/cells/{name}.json").read_text()) for name in ("r0", "size0")
    )
    # the lattice of production, twice as many atoms
    assert second["unit_cell"] == own["unit_cell"] and len(second["types"]) == 2 * len(own["types"])
    sidecar = json.loads((run / "md/chgnet/600K/size0/0002.json").read_text())
    assert len(sidecar["ids"]) == 48
