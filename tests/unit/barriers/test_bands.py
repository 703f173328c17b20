import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.optimize import LBFGS

from dlmd.barriers import bands, search
from dlmd.base.errors import DlmdError

# Müller and Brown, Theor. Chim. Acta 53, 75 (1979), in units of 100 eV and Å, with z held by a spring
MB = np.array(
    [
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    ]
)
MINIMUM_A, MINIMUM_B, SADDLE = -1.46700, -1.08167, -0.40665
PLACE_A, PLACE_B = (-0.558, 1.442, 0.0), (0.623, 0.028, 0.0)


class Surface(Calculator):
    """Energy of atom 0 alone as a function of its place: `function` returns eV and its gradient."""

    implemented_properties = ("energy", "forces")

    def __init__(self, function, limit=None):
        super().__init__()
        self.function, self.limit, self.calls = function, limit, 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        if self.limit is not None and self.calls > self.limit:
            raise KeyboardInterrupt
        energy, gradient = self.function(self.atoms.positions[0])
        forces = np.zeros((len(self.atoms), 3))
        forces[0] = -np.asarray(gradient)
        self.results = {"energy": float(energy), "forces": forces}


def mueller_brown(r):
    factor, a, b, c, x0, y0 = MB.T
    dx, dy = r[0] - x0, r[1] - y0
    terms = factor / 100 * np.exp(a * dx**2 + b * dx * dy + c * dy**2)
    gradient = (
        (terms * (2 * a * dx + b * dy)).sum(),
        (terms * (b * dx + 2 * c * dy)).sum(),
        20 * r[2],
    )
    return terms.sum() + 10 * r[2] ** 2, gradient


def hop(start, end):
    """Endpoints of a single ion's hop; another atom, which nothing acts on, is far away."""
    images = [Atoms("LiCl", positions=[place, (0, 0, 40)], cell=[90] * 3, pbc=True) for place in (start, end)]
    return images


def content(atoms, name):
    return None


SETTINGS = dict(ion=0, judge=content, spacing_angstrom=0.25, fmax_ev_per_angstrom=0.01, max_steps=500)


@pytest.fixture(scope="module")
def whole():
    """The band on the known surface, and how often it has called the calculator."""
    surface = Surface(mueller_brown)
    return search.find_band(*hop(PLACE_A, PLACE_B), surface, **SETTINGS), surface.calls


def test_saddle_and_intermediate_minimum_of_a_known_surface(whole):
    band = whole[0]
    found = bands.profile(band)
    assert band.status == bands.CONVERGED
    assert found["barrier_forward_ev"] == pytest.approx(SADDLE - MINIMUM_A, abs=1e-3)
    assert found["barrier_backward_ev"] == pytest.approx(SADDLE - MINIMUM_B, abs=1e-3)
    assert found["energy_difference_ev"] == pytest.approx(MINIMUM_B - MINIMUM_A, abs=1e-3)
    # the path goes through the surface's third minimum
    assert found["intermediate_minima"] == 1
    top = band.images[found["highest_image"]].positions[0]
    np.testing.assert_allclose(top, (-0.822, 0.624, 0), atol=0.01)
    assert max(found["curve"]["energy_ev"]) == pytest.approx(SADDLE - MINIMUM_A, abs=0.01)
    assert found["images"]["distance_angstrom"] == sorted(found["images"]["distance_angstrom"])


@pytest.fixture(scope="module")
def vacancy():
    """Al with a vacancy at the corner; the nearest neighbour across the cell's boundary hops into it."""
    atoms = bulk("Al", cubic=True) * (2, 2, 2)
    # (0, a/2, a/2) below the corner, found at the far side of the cell
    ion = int(np.argmin(np.linalg.norm(atoms.positions - (0, *atoms.cell.lengths()[1:] * 0.75), axis=1)))
    a = atoms.cell.lengths()[0] / 2
    start = atoms.copy()
    del start[0]
    end = start.copy()
    end.positions[ion - 1] += (0, a / 2, a / 2)
    return start, end, ion - 1


def test_vacancy_in_fcc_against_its_saddle_by_symmetry(vacancy):
    start, end, ion = vacancy
    band = search.find_band(
        start,
        end,
        EMT(),
        ion=ion,
        judge=content,
        spacing_angstrom=0.8,
        fmax_ev_per_angstrom=0.02,
        max_steps=200,
    )
    found = bands.profile(band)
    assert band.status == bands.CONVERGED and band.residual_ev_per_a <= 0.02

    # half-way the hopping atom feels no force by symmetry: hold it there and relax the others
    def energy(atoms):
        atoms.calc = EMT()
        LBFGS(atoms, logfile=None).run(fmax=0.002, steps=200)
        return atoms.get_potential_energy()

    middle = start.copy()
    middle.positions[ion] = (start.positions[ion] + end.positions[ion]) / 2
    middle.set_constraint(FixAtoms([ion]))
    exact = energy(middle) - energy(start.copy())
    assert exact > 0.2
    assert found["barrier_forward_ev"] == pytest.approx(exact, abs=2e-3)
    assert found["barrier_backward_ev"] == pytest.approx(exact, abs=2e-3)
    assert found["highest_image"] == (len(band.images) - 1) / 2 and found["intermediate_minima"] == 0


def two_wells(r):
    """Minima at x = ±1 Å, a barrier of 0.5 eV between."""
    x, rest = r[0], r[1:]
    return 0.5 * (x**2 - 1) ** 2 + (rest**2).sum(), (2 * x * (x**2 - 1), *2 * rest)


def one_well(r):
    return (r**2).sum(), 2 * r


def sites_of(atoms):
    """Site 0 at x = -1 Å, site 1 at x = 1 Å, within 0.5 Å."""
    x = atoms.positions[:, 0]
    return np.where(abs(x + 1) < 0.5, 0, np.where(abs(x - 1) < 0.5, 1, -1))


def judged(start, end):
    return bands.site_judge(ion=0, start=start, end=end, site_of=sites_of)


def test_endpoints_that_leave_their_sites_are_said_so():
    good = hop((-1.2, 0.1, 0), (0.9, 0, 0))
    band = search.find_band(*good, Surface(two_wells), **SETTINGS | {"judge": judged(*good)})
    assert band.status == bands.CONVERGED
    assert bands.profile(band)["barrier_forward_ev"] == pytest.approx(0.5, abs=1e-3)

    start, end = hop((-1, 0, 0), (1, 0, 0))
    band = search.find_band(start, end, Surface(one_well), **SETTINGS | {"judge": judged(start, end)})
    assert band.status == bands.ENDPOINT_ELSEWHERE and "start" in band.message
    assert len(band.images) == 2 and bands.profile(band)["barrier_forward_ev"] is None


def test_an_end_that_is_no_minimum_falls_back_to_the_start():
    def left_well(r):  # one minimum, at x = -1 Å
        return ((r - (-1, 0, 0)) ** 2).sum(), 2 * (r - (-1, 0, 0))

    start, end = hop((-1, 0, 0), (1, 0, 0))
    band = search.find_band(start, end, Surface(left_well), **SETTINGS | {"judge": judged(start, end)})
    assert band.status == bands.ENDPOINT_COLLAPSED
    assert band.message == "end: the ion relaxes to the other end: no minimum there"


def test_another_ion_that_changes_its_site_is_named():
    start, end = hop((-1, 0, 0), (1, 0, 0))
    start.positions[1, 0] = end.positions[1, 0] = 1.0
    judge = judged(start, end)
    moved = end.copy()
    moved.positions[1, 0] = -1.0
    assert judge(end, "end") is None
    assert judge(moved, "end") == (bands.ENDPOINT_ELSEWHERE, "end: other ions left their sites (Cl 1)")


def test_what_is_not_converged_is_said_so_with_its_residual():
    settings = SETTINGS | {"max_steps": 15}
    band = search.find_band(*hop(PLACE_A, PLACE_B), Surface(mueller_brown), **settings)
    assert band.status == bands.UNCONVERGED and band.residual_ev_per_a > 0.01
    assert f"{band.residual_ev_per_a:.3f} eV/Å after {band.steps} steps" in band.message
    found = bands.profile(band)
    assert found["barrier_forward_ev"] is None and found["highest_ev"] > 0

    band = search.find_band(
        *hop(PLACE_A, (0.3, 0.3, 0)), Surface(mueller_brown), **SETTINGS | {"max_steps": 1}
    )
    assert band.status == bands.ENDPOINT_UNRELAXED and band.residual_ev_per_a is None


def test_a_flat_surface_has_no_saddle():
    band = search.find_band(*hop((-1, 0, 0), (1, 0, 0)), Surface(lambda r: (0.0, np.zeros(3))), **SETTINGS)
    assert band.status == bands.NO_SADDLE


@pytest.mark.parametrize("limit", [100, 250])
def test_a_killed_band_goes_on_from_where_it_was(tmp_path, whole, limit):
    expected, calls = whole
    checkpoint = tmp_path / "0.checkpoint"
    settings = SETTINGS | {"checkpoint": checkpoint}
    with pytest.raises(KeyboardInterrupt):
        search.find_band(*hop(PLACE_A, PLACE_B), Surface(mueller_brown, limit=limit), **settings)
    assert checkpoint.exists()
    rest = Surface(mueller_brown)
    band = search.find_band(*hop(PLACE_A, PLACE_B), rest, **settings)
    assert band.status == bands.CONVERGED and not checkpoint.exists()
    assert band.energies.max() == pytest.approx(expected.energies.max(), abs=1e-3)
    # at most the steps since the last save are made again
    inner = len(expected.images) - 2
    assert rest.calls + limit < calls + 2 * inner * search.CHECKPOINT_STEPS


def test_a_checkpoint_of_another_hop_is_not_taken(tmp_path, capsys):
    checkpoint = tmp_path / "0.checkpoint"
    settings = SETTINGS | {"checkpoint": checkpoint, "stream": sys.stderr}
    with pytest.raises(KeyboardInterrupt):
        search.find_band(*hop(PLACE_A, PLACE_B), Surface(mueller_brown, limit=200), **settings)
    search.find_band(*hop((-1, 0, 0), (1, 0, 0)), Surface(two_wells), **settings)
    assert "another hop or other settings: starting afresh" in capsys.readouterr().err


def test_a_calculator_that_fails_is_an_error():
    with pytest.raises(DlmdError, match="ran away"):
        search.find_band(*hop((-1, 0, 0), (1, 0, 0)), Surface(lambda r: (np.nan, [np.nan] * 3)), **SETTINGS)
