import json
import os
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest

from dlmd.barriers import bands, jobs
from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import verify
from fake_vasp import pair_potential
from vasp_bench import FAKE, crystal, library, settings

ROOT = Path(__file__).parents[3]
# As VASP does for a band: one group of ranks in every folder between the ends
VASP = f"""#!/bin/sh
set -e
if [ -d 01 ]; then
    for image in [0-9][0-9]; do
        [ -f $image/OUTCAR ] || {{ cp INCAR KPOINTS POTCAR $image/; (cd $image && {sys.executable} {FAKE}); }}
    done
else
    {sys.executable} {FAKE}
fi
"""


@pytest.fixture
def paths(tmp_path):
    """Hops along [101] in one unit cell, into its empty sites."""
    relaxed = tmp_path / "relaxed.extxyz"
    ase.io.write(relaxed, crystal())
    out = tmp_path / "paths.json"
    jobs.paths(
        [str(relaxed)],
        paths=str(out),
        cif=str(ROOT / "structures/Li3TiCl6.cif"),
        wanted={"name": "101", "direction": [1, 0, 1], "start": None, "end": None},
        cells=[{"occupancy": "0.750", "cell": "toy", "ordering": 0, "repeat": [1, 1, 1]}],
        charges={"Li": 1, "Ti": 3, "Cl": -1},
        mobile="Li",
        seed=1,
    )
    return out, [str(relaxed)]


def test_paths_are_listed_with_the_cell_they_are_in(paths):
    listed = json.loads(paths[0].read_text())
    # four Li2 face empty 4g sites, above and below
    assert (listed["label"], len(listed["paths"])) == ("[101]", 8)
    _, path, cell = jobs.read_path(str(paths[0]), 7)
    assert path["mechanism"] == "empty site" and cell["occupancy"] == "0.750"
    assert np.array(cell["ion_sites"]).shape == np.array(cell["framework_sites"]).shape == (12, 3)
    with pytest.raises(DlmdError, match=r"8 hops of \[101\], number 8 is asked for"):
        jobs.read_path(str(paths[0]), 8)


@pytest.mark.parametrize("method", ["potential without a band", "potential with a band"])
def test_a_band_goes_to_vasp_and_comes_back(paths, tmp_path, method):
    file, relaxed = paths
    record = tmp_path / "0.json"
    record.write_text(json.dumps({"curve": None, "status": "endpoint collapsed"}))
    if method == "potential with a band":
        images = [crystal() for _ in range(4)]
        for k, image in enumerate(images):
            image.positions[0, 0] += 0.2 * k
        ase.io.write(record.with_suffix(".extxyz"), images)
        record.write_text(json.dumps({"curve": {}, "status": "converged"}))
    engine = settings(library(tmp_path / "lib")).staging()
    job = tmp_path / "vasp/neb/job.json"
    jobs.stage_vasp(
        str(file),
        relaxed,
        str(record),
        number=0,
        job=str(job),
        level="u4",
        engine={**engine, "engine": "vasp"},
        settings={"spacing_a": 0.8, "fmax_ev_per_a": 3.0, "max_steps": 40},
    )
    inner = json.loads(job.read_text())["images"]
    assert inner == (2 if method == "potential with a band" else 5)
    first = verify.parse_poscar((job.parent / "1-neb/inputs/01/POSCAR").read_text())
    moved = np.abs(first.scaled @ first.cell - crystal().positions).max(axis=1)
    assert (moved > 0.1).sum() >= 1

    vasp = tmp_path / "vasp.sh"
    vasp.write_text(VASP)
    vasp.chmod(0o755)
    subprocess.run(["./run.sh"], cwd=tmp_path / "vasp", env={**os.environ, "VASP": str(vasp)}, check=True)
    result = tmp_path / "engine/0.json"
    result.parent.mkdir()
    jobs.collect_vasp(str(job), str(file), relaxed, number=0, record=str(result), level="u4")
    band = json.loads(result.read_text())
    assert (band["method"], band["hop"], band["theory"]["hubbard_u_ev"]) == ("engine", "101", {"Ti": 4.0})
    images = ase.io.read(result.with_suffix(".extxyz"), ":")
    exact = np.array([pair_potential(image, 0.04)[0] for image in images])
    np.testing.assert_allclose(band["images"]["energy_ev"], exact - exact[0], atol=1e-4)
    if method == "potential with a band":
        # its end is no site: the ions of that band went 0.6 Å only
        assert band["status"] == bands.ENDPOINT_COLLAPSED and band["barrier_forward_ev"] is None
