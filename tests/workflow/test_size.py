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
