"""NVT of labels: canonical temperature, kill and resume to the bit, and errors for what exploded or melted."""

import io

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.io import read

from dlmd.base.errors import DlmdError
from dlmd.dataset.frames import Source, read_source
from dlmd.labels import dynamics
from dlmd.labels.engines import Unconverged

THEORY = {"engine": "einstein", "functional": "none"}


class Einstein(Calculator):
    """Every atom on a spring of its own (eV/Å²); after `calls_left` evaluations it fails like a killed job."""

    implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

    def __init__(self, sites, *, spring=2.0, calls_left=10**9, unconverged=()):
        super().__init__()
        self.calls, self.unconverged = 0, set(unconverged)
        self.sites, self.spring, self.calls_left = sites.copy(), spring, calls_left

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if self.calls_left == 0:
            raise KeyboardInterrupt
        self.calls_left -= 1
        self.calls += 1
        if self.calls - 1 in self.unconverged:
            raise Unconverged("the electrons did not converge")
        away = self.atoms.positions - self.sites
        self.results = {
            "energy": 0.5 * self.spring * (away**2).sum(),
            "free_energy": 0.5 * self.spring * (away**2).sum(),
            "forces": -self.spring * away,
            "stress": np.arange(6.0),
            "magmoms": np.full(len(away), 0.5),
        }


@pytest.fixture
def crystal():
    grid = np.stack(np.meshgrid(*[np.arange(3) * 3.0] * 3), axis=-1).reshape(-1, 3)
    return Atoms("Ti9Cl18", positions=grid, cell=[9.0] * 3, pbc=True)


def run(atoms, calculator, frames, **settings):
    defaults = {
        "temperature_k": 500.0,
        "time_step_fs": 2.0,
        "steps": 40,
        "stride": 5,
        "seed": 7,
        "level": "test",
        "theory": THEORY,
        "source": "a",
        "strain": -0.01,
    }
    dynamics.run(atoms, calculator, frames=frames, **(defaults | settings))


def test_what_frames_say_of_k_points_leaves_a_checkpoint_good(crystal, tmp_path):
    said = {"numerics": {"kpoint_mesh": [1, 1, 1], "smearing_ev": 0.05}}
    with pytest.raises(KeyboardInterrupt):
        run(crystal, Einstein(crystal.positions, calls_left=22), tmp_path / "f.extxyz")
    rest = Einstein(crystal.positions)
    run(crystal, rest, tmp_path / "f.extxyz", numerics=said)
    frames = read(tmp_path / "f.extxyz", ":")
    assert rest.calls < 25 and [f.info.get("numerics") for f in frames[::8]] == [None, said["numerics"]]
    assert read_source(
        Source(tmp_path / "f.extxyz", "a", "train"), species=["Ti", "Cl"], level="test", discard_ps=0.0
    )[0]


def test_frames_carry_their_labels(crystal, tmp_path):
    run(crystal, Einstein(crystal.positions), tmp_path / "f.extxyz")
    frames = read(tmp_path / "f.extxyz", ":")
    assert [f.info["step"] for f in frames] == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    last = frames[-1]
    assert last.info["time_ps"] == pytest.approx(0.08)
    assert (last.info["level"], last.info["theory"], last.info["source"]) == ("test", THEORY, "a")
    assert (last.info["temperature_k"], last.info["strain"]) == (500.0, -0.01)
    away = last.positions - crystal.positions
    np.testing.assert_allclose(last.get_forces(), -2.0 * away, atol=1e-7)
    assert last.get_potential_energy() == pytest.approx((away**2).sum(), abs=1e-6)
    np.testing.assert_allclose(last.get_stress(), np.arange(6.0))
    np.testing.assert_allclose(last.get_magnetic_moments(), 0.5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.extxyz"]


def test_samples_the_set_temperature(crystal, tmp_path):
    run(crystal, Einstein(crystal.positions), tmp_path / "f.extxyz", steps=3000, stride=10)
    frames = read(tmp_path / "f.extxyz", "30:")
    kinetic = np.mean([f.info["kinetic_temperature_k"] for f in frames])
    # equipartition of the springs, without the three fixed coordinates of the centre of mass
    potential = np.mean([f.get_potential_energy() for f in frames]) / (0.5 * 8.617333e-5 * (3 * 27 - 3))
    assert kinetic == pytest.approx(500, rel=0.05)
    assert potential == pytest.approx(500, rel=0.10)


@pytest.mark.parametrize("killed_at", [3, 17, 23])
def test_resumed_run_equals_the_uninterrupted_one(crystal, tmp_path, killed_at):
    run(crystal, Einstein(crystal.positions), tmp_path / "whole.extxyz")
    frames = tmp_path / "f.extxyz"
    with pytest.raises(KeyboardInterrupt):
        run(crystal, Einstein(crystal.positions, calls_left=killed_at), frames)
    assert not frames.exists()
    log = io.StringIO()
    run(crystal, Einstein(crystal.positions), frames, stream=log)
    assert "going on after step" in log.getvalue()
    assert frames.read_text() == (tmp_path / "whole.extxyz").read_text()


def test_half_a_frame_is_cut_off(crystal, tmp_path):
    run(crystal, Einstein(crystal.positions), tmp_path / "whole.extxyz")
    frames = tmp_path / "f.extxyz"
    with pytest.raises(KeyboardInterrupt):
        run(crystal, Einstein(crystal.positions, calls_left=18), frames)
    with (tmp_path / "f.extxyz.part").open("a") as part:
        part.write("27\nLattice=")
    run(crystal, Einstein(crystal.positions), frames)
    assert frames.read_text() == (tmp_path / "whole.extxyz").read_text()


def test_checkpoint_of_another_run_is_not_used(crystal, tmp_path):
    frames = tmp_path / "f.extxyz"
    with pytest.raises(KeyboardInterrupt):
        run(crystal, Einstein(crystal.positions, calls_left=18), frames)
    log = io.StringIO()
    run(crystal, Einstein(crystal.positions), frames, temperature_k=300.0, stream=log)
    assert "starting afresh" in log.getvalue()
    assert {f.info["temperature_k"] for f in read(frames, ":")} == {300.0}


def test_explosion_is_an_error(crystal, tmp_path):
    strained = crystal.copy()
    strained.positions += 5.0 * np.random.default_rng(1).standard_normal((27, 3))
    with pytest.raises(DlmdError, match="exploded"):
        run(strained, Einstein(crystal.positions), tmp_path / "f.extxyz")
    assert not (tmp_path / "f.extxyz").exists()


def test_melting_is_an_error_only_if_every_element_moves(crystal):
    moved = crystal.copy()
    moved.calc = Einstein(crystal.positions)
    rng = np.random.default_rng(2)
    chlorine = moved.symbols == "Cl"
    moved.positions[chlorine] += 3.0 * rng.standard_normal((18, 3))
    dynamics.check_health(moved, crystal, temperature_k=500, step=10)
    moved.positions[~chlorine] += 3.0 * rng.standard_normal((9, 3))
    with pytest.raises(DlmdError, match="melted at step 10"):
        dynamics.check_health(moved, crystal, temperature_k=500, step=10)


@pytest.mark.parametrize("judged", [True, False, None])
def test_verdict_on_moments_travels_with_the_frame(crystal, tmp_path, judged):
    calculator = Einstein(crystal.positions)
    calculate = calculator.calculate

    def with_verdict(*args, **settings):
        calculate(*args, **settings)
        if judged is not None:
            calculator.results["moments_in_range"] = judged

    calculator.calculate = with_verdict
    run(crystal, calculator, tmp_path / "frames.extxyz", steps=5)
    for frame in read(tmp_path / "frames.extxyz", ":"):
        assert frame.info.get("moments_in_range") == judged


def test_an_unconverged_step_costs_its_label_and_no_more(crystal, tmp_path):
    # step 7 is no frame, step 10 is one
    run(crystal, Einstein(crystal.positions, unconverged=[7, 10]), tmp_path / "f.extxyz")
    run(crystal, Einstein(crystal.positions), tmp_path / "whole.extxyz")
    frames, whole = (read(tmp_path / name, ":") for name in ("f.extxyz", "whole.extxyz"))
    assert [f.info["step"] for f in frames if not f.info["converged"]] == [10]
    for frame, other in zip(frames, whole, strict=True):
        if not frame.info["converged"]:
            assert frame.calc is None
            continue
        # every other label is that of its own structure
        np.testing.assert_allclose(
            frame.get_forces(), -2.0 * (frame.positions - crystal.positions), atol=1e-7
        )
        if frame.info["step"] < 7:
            np.testing.assert_array_equal(frame.positions, other.positions)
    assert 0 < abs(frames[-1].positions - whole[-1].positions).max() < 0.1


@pytest.mark.parametrize("killed_at", [12, 17])
def test_a_resumed_run_meets_its_unconverged_steps_again(crystal, tmp_path, killed_at):
    class Hard(Einstein):
        """Does not converge where the first atom is at a certain place: at the same one in every run."""

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            if any(abs(atoms.positions[0, 0] - x) < 2e-8 for x in hard):
                raise Unconverged("the electrons did not converge")
            super().calculate(atoms, properties, system_changes)

    hard = []
    for step in (10, 13):
        run(crystal, Hard(crystal.positions), tmp_path / "look.extxyz", stride=1)
        hard.append(read(tmp_path / "look.extxyz", step).positions[0, 0])
    run(crystal, Hard(crystal.positions), tmp_path / "whole.extxyz")
    frames = tmp_path / "f.extxyz"
    with pytest.raises(KeyboardInterrupt):
        run(crystal, Hard(crystal.positions, calls_left=killed_at), frames)
    run(crystal, Hard(crystal.positions), frames)
    assert frames.read_text() == (tmp_path / "whole.extxyz").read_text()
    assert "converged=F" in frames.read_text()


def test_too_many_unconverged_steps_end_a_run_that_goes_on_later(crystal, tmp_path):
    frames = tmp_path / "f.extxyz"
    # 5 % of 40 steps are 2
    with pytest.raises(DlmdError, match=r"3 of 22 steps did not converge: at most 5% of 40") as caught:
        run(crystal, Einstein(crystal.positions, unconverged=[7, 11, 22]), frames)
    assert "launch.levels.<level>.electrons" in str(caught.value) and len(str(caught.value).splitlines()) <= 3
    log = io.StringIO()
    run(crystal, Einstein(crystal.positions), frames, stream=log)
    assert "going on after step 20" in log.getvalue() and "2 of 40 steps did not converge" in log.getvalue()
    with pytest.raises(DlmdError, match="3 one after the other"):
        run(
            crystal,
            Einstein(crystal.positions, unconverged=range(10, 14)),
            tmp_path / "row.extxyz",
            steps=400,
        )


def test_a_start_without_forces_is_an_error(crystal, tmp_path):
    with pytest.raises(Unconverged):
        run(crystal, Einstein(crystal.positions, unconverged=[0]), tmp_path / "f.extxyz")


def test_the_dataset_counts_frames_without_labels(crystal, tmp_path):
    path = tmp_path / "f.extxyz"
    run(crystal, Einstein(crystal.positions, unconverged=[10]), path)
    used, rows, _ = read_source(
        Source(id="a", path=path, split="train"), species=["Ti", "Cl"], discard_ps=0.0, level="test"
    )
    assert len(used) == 8 and [row["status"] for row in rows].count("unlabelled") == 1
