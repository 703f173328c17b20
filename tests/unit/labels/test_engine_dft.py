"""What the DFT engines share: moments judged only where they can be, settings that contradict each other refused."""

import os

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.launch import LevelLaunch
from dlmd.labels import engines
from dlmd.labels.engines import dft
from dlmd.labels.engines.dft import DftSettings

RANGES = {"Ti": (0.5, 1.5)}


@pytest.mark.parametrize(
    ("moments", "ranges", "verdict"),
    [
        ([0.9, -1.1, 3.0], RANGES, True),  # either sign, and no judgement of elements without a range
        ([0.9, 0.49, 0.0], RANGES, False),
        ([0.9, -1.51, 0.0], RANGES, False),
        ([0.9, 1.0, 0.0], {}, None),
        (None, RANGES, None),  # no moments are not moments of zero
    ],
)
def test_verdicts_on_moments(moments, ranges, verdict):
    assert dft.moments_in_range(["Ti", "Ti", "Cl"], moments, ranges) is verdict


def test_results_have_no_verdict_where_there_is_none():
    settings = DftSettings(magmom={"Ti": 1.0}, moment_range=RANGES)
    assert dft.judged({"energy": 1.0}, ["Ti"], settings) == {"energy": 1.0}
    assert dft.judged({"magmoms": [0.2]}, ["Ti"], settings)["moments_in_range"] is False


@pytest.mark.parametrize("name", ["energy", "forces", "stress"])
def test_results_that_are_not_finite_are_no_label(name):
    results = {"energy": 1.0, "forces": np.zeros((2, 3)), "stress": np.zeros(6)}
    dft.judged(results, ["Ti"] * 2, DftSettings())
    results[name] = np.full_like(results[name], np.nan)
    with pytest.raises(engines.Unconverged, match=f"gave {name} that are not finite"):
        dft.judged(results, ["Ti"] * 2, DftSettings())


@pytest.mark.parametrize("engine", ["gpaw", "espresso", "cp2k"])
def test_a_range_without_spins_is_refused(engine):
    with pytest.raises(DlmdError, match="no magmom"):
        engines.get({"engine": engine, "moment_range": RANGES} | NEEDED.get(engine, {}))


NEEDED = {
    "espresso": {"pseudo_dir": "upf", "pseudopotentials": {"Ti": "Ti.upf"}},
    "cp2k": {"basis_sets": {"Ti": "DZVP"}, "potentials": {"Ti": "GTH"}},
}


@pytest.mark.parametrize(("engine", "key"), [("espresso", "pseudo_dir"), ("cp2k", "basis_sets")])
def test_what_has_no_default_is_asked_for(engine, key):
    settings = {k: v for k, v in NEEDED[engine].items() if k != key}
    with pytest.raises(DlmdError, match=f"{key} is .*required"):
        engines.get({"engine": engine} | settings)


@pytest.mark.parametrize("engine", ["espresso", "cp2k"])
def test_how_a_program_is_started_is_no_part_of_the_level(engine, tmp_path):
    (tmp_path / "Ti.upf").write_text('<PP_HEADER z_valence="12"/>')
    level = (
        {"engine": engine} | NEEDED[engine] | ({"pseudo_dir": str(tmp_path)} if engine == "espresso" else {})
    )
    running = {"command": "srun program", "cores": 8, "gpus": 1, "scratch": str(tmp_path)}
    assert engines.get(level).level == engines.get(level, LevelLaunch(**running)).level


def test_programs_take_one_thread_per_rank(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    dft.one_thread_per_rank()
    assert os.environ["OMP_NUM_THREADS"] == "1"
