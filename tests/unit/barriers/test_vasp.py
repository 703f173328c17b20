import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlmd.barriers import bands, search
from dlmd.barriers import vasp as neb
from dlmd.base.errors import DlmdError
from dlmd.labels.vasp import stage, verify
from fake_vasp import pair_potential
from vasp_bench import FAKE, crystal, library, settings

# Of the stand-in's forces, so that the band that it does not move counts as converged
FMAX = 2.0
# In the band's run folder the stand-in is started in every image, as VASP starts one group of ranks in each
VASP = f"""#!/bin/sh
set -e
if [ -d 01 ]; then
    for image in 01 02 03; do
        cp INCAR KPOINTS POTCAR $image/
        (cd $image && {sys.executable} {FAKE})
    done
else
    {sys.executable} {FAKE}
fi
"""


def band():
    """Lithium on its way out and back again: five images, of which the third is the highest."""
    images = [crystal() for _ in range(5)]
    way = ((0, 0), (0.3, 0), (0.6, 0), (0.3, 0.3), (0, 0))
    for image, (x, y) in zip(images, way, strict=True):
        image.positions[0] += (x, y, 0)
    # atoms may leave the cell on their way
    for image in images:
        image.positions[1] += image.cell[1]
    return images


def staged(folder, **changes):
    neb.stage(
        band(),
        folder,
        settings=settings(library(folder.parent / "lib")),
        level="u4",
        cell="toy",
        source="110 0",
        **{"fmax_ev_per_angstrom": FMAX, "max_steps": 3} | changes,
    )
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A band that its own run.sh has run."""
    folder = staged(tmp_path_factory.mktemp("neb") / "0")
    run(folder)
    return folder


def run(folder):
    vasp = folder.parent / "vasp.sh"
    vasp.write_text(VASP)
    vasp.chmod(0o755)
    subprocess.run(["./run.sh"], cwd=folder, env={**os.environ, "VASP": str(vasp)}, check=True)


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "0"))


def test_inputs_are_those_of_a_climbing_band(tmp_path):
    folder = staged(tmp_path / "0")
    inputs = folder / "neb/1-neb/inputs"
    tags = verify.parse_incar((inputs / "INCAR").read_text())
    wanted = {"IMAGES": 3, "LCLIMB": True, "SPRING": -5, "ICHAIN": 0, "IOPT": 7, "IBRION": 3, "POTIM": 0.0}
    wanted |= {"EDIFFG": -FMAX, "ISIF": 2, "NSW": 3, "LDAUU": [0.0, 4.0, 0.0]}
    assert all(verify.same_value(tags[name], value) for name, value in wanted.items())
    assert sorted(p.name for p in inputs.iterdir() if p.is_dir()) == ["00", "01", "02", "03", "04"]
    assert not (inputs / "POSCAR").exists()
    for number, image in enumerate(band()):
        poscar = verify.parse_poscar((inputs / f"{number:02d}/POSCAR").read_text())
        np.testing.assert_allclose(poscar.scaled, image.get_scaled_positions(wrap=False), atol=1e-12)
    ends = verify.parse_incar((folder / "end/1-relax/inputs/INCAR").read_text())
    assert verify.same_value(ends["ISIF"], 2) and verify.same_value(ends["EDIFFG"], -FMAX * search.ENDPOINT)
    # everything that makes energies comparable is the same in ends and images
    moving = {"IMAGES", "SPRING", "LCLIMB", "ICHAIN", "IOPT", "IBRION", "POTIM", "EDIFFG", "SYSTEM"}
    assert {k: v for k, v in tags.items() if k not in moving} == {
        k: v for k, v in ends.items() if k not in moving
    }
    # POTCARs lie beside run.sh of each job, as for all jobs that are run elsewhere
    assert (folder / "neb/POTCAR").exists() and os.access(folder / "run.sh", os.X_OK)
    assert not neb.brought_back(folder)


def test_what_is_brought_back_is_the_band(finished):
    assert neb.brought_back(finished)
    found, theory = neb.collect(finished)
    assert found.status == bands.CONVERGED and theory["hubbard_u_ev"] == {"Ti": 4.0}
    expected = [pair_potential(image, 0.04)[0] for image in found.images]
    np.testing.assert_allclose(found.energies, np.array(expected) - expected[0], atol=1e-4)
    assert found.energies.argmax() == 2 and found.energies[2] > 0.1
    # images hang together although the output is wrapped
    for image, meant in zip(found.images, band(), strict=True):
        assert np.abs(image.positions - meant.positions).max() < 0.3
    assert bands.profile(found)["barrier_forward_ev"] == pytest.approx(found.energies[2])


def test_the_residual_is_that_of_the_real_forces(finished, copy):
    found, _ = neb.collect(finished)
    job = stage.load_job(copy / "neb")
    job["fmax_ev_per_a"] = 0.5 * found.residual_ev_per_a
    stage.write_json(copy / "neb" / stage.JOB, job)
    strict, _ = neb.collect(copy)
    assert strict.status == bands.UNCONVERGED
    assert strict.residual_ev_per_a == pytest.approx(found.residual_ev_per_a)
    assert bands.profile(strict)["barrier_forward_ev"] is None


def test_running_again_runs_nothing_that_is_done(copy):
    before = sorted(copy.rglob("run[0-9][0-9]"))
    run(copy)
    assert sorted(copy.rglob("run[0-9][0-9]")) == before


def test_a_band_cut_off_goes_on_from_its_last_images(copy):
    first = copy / "neb/1-neb/run00"
    for number in (1, 2, 3):
        path = first / f"{number:02d}/OUTCAR"
        path.write_text(path.read_text().split(" General timing")[0])
    moved = (first / "02/CONTCAR").read_text()
    run(copy)
    assert (copy / "neb/1-neb/run01/02/POSCAR").read_text() == moved
    assert neb.collect(copy)[0].status == bands.CONVERGED


def test_what_is_missing_or_another_level_is_refused(copy):
    (copy / "neb/1-neb/run00/02/OUTCAR").rename(copy / "kept")
    (copy / "neb/1-neb/run00/02/vasprun.xml").unlink(missing_ok=True)
    assert not neb.brought_back(copy)
    with pytest.raises(DlmdError, match="not every image"):
        neb.collect(copy)
    text = (copy / "kept").read_text()
    (copy / "neb/1-neb/run00/02/OUTCAR").write_text(text.replace("ENCUT  =  450.0", "ENCUT  =  500.0"))
    assert text != (copy / "neb/1-neb/run00/02/OUTCAR").read_text()
    with pytest.raises(DlmdError, match="ENCUT is 500"):
        neb.collect(copy)


def test_a_band_between_other_ends_is_refused(copy):
    poscar = copy / "neb/1-neb/run00/00/POSCAR"
    lines = poscar.read_text().splitlines()
    lines[8] = "0.01 0.5 0.5"
    poscar.write_text("\n".join(lines) + "\n")
    with pytest.raises(DlmdError, match="the band's end is not the relaxed one"):
        neb.collect(copy)


def test_an_end_that_vasp_did_not_relax_makes_no_barrier(copy):
    path = next((copy / "end/1-relax").rglob("OUTCAR"))
    # nor do the forces show it
    text = re.sub(r"EDIFFG = \S+", "EDIFFG = -.1E-09", path.read_text())
    path.write_text(text.replace("reached required accuracy", ""))
    found, _ = neb.collect(copy)
    assert found.status == bands.ENDPOINT_UNRELAXED and found.message.startswith("end:")
    assert bands.profile(found)["barrier_forward_ev"] is None
