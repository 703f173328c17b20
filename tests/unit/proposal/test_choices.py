"""The mobile ion, cells, temperatures, label trajectories and lengths, each by itself."""

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.units import conductivity_ms_per_cm
from dlmd.proposal import cells, disorder, lengths, mobile, temperatures
from dlmd.proposal.cells import Wanted
from dlmd.proposal.filling import nearest, widths
from dlmd.proposal.temperatures import Carriers
from dlmd.proposal.trajectories import Cells, groups
from small_crystals import chain, crystal


def two(occupancy, **other):
    """Sites of several elements, far from each other."""
    sites = {e: ({e: x}, [[i / 10, 0, 0]]) for i, (e, x) in enumerate((occupancy | other).items())}
    return crystal(sites, lattice=[40.0, 5.0, 5.0])


def test_the_only_fast_ion_is_mobile():
    found, why = mobile.choose(two({"Li": 1, "Cl": 1}), {"Li": 1, "Cl": -1})
    assert found == "Li" and "only" in why


def test_of_two_the_one_with_vacancies_is_mobile():
    found, why = mobile.choose(two({"Li": 0.5, "Na": 1, "Cl": 1}), {"Li": 1, "Na": 1, "Cl": -1})
    assert found == "Li" and "Na⁺ on full ones" in why


def test_two_that_both_leave_sites_empty_both_move():
    charges = {"Li": 1, "Na": 1, "La": 3, "Cl": -1}
    found, why = mobile.choose(two({"Li": 0.5, "Na": 0.3, "Cl": 1}), charges)
    assert found == "Li,Na" and "both on partly occupied sites" in why
    shared = crystal({"A": ({"Li": 0.3, "Na": 0.2, "La": 0.4}, [[0, 0, 0]])}, lattice=[9.0] * 3)
    assert mobile.choose(shared, charges)[0] == "Li,Na"
    assert mobile.choose(shared, charges, asked="Na,Li") == ("Na,Li", "asked for")
    with pytest.raises(DlmdError, match="has no K"):
        mobile.choose(shared, charges, asked="Li,K")


@pytest.mark.parametrize(("cation", "anion", "filled"), [("K", "F", 0.95), ("Na", "O", 0.99)])
def test_a_dopant_of_the_host_is_not_mobile_where_the_anion_leaves_sites_empty(cation, anion, filled):
    """K in PbF2, Na in Na1/2Bi1/2TiO3: cations full, shared with ions of two charges and more."""
    charges = {cation: 1, "Pb": 2, "F": -1, "O": -2}
    host = ({cation: 0.1, "Pb": 0.9}, [[0, 0, 0]])
    doped = crystal({"M": host, "X": ({anion: filled}, [[0.5, 0.5, 0.5]])}, lattice=[9.0] * 3)
    found, why = mobile.choose(doped, charges)
    assert found == anion and "partly empty" in why
    full = crystal({"M": host, "X": ({anion: 1.0}, [[0.5, 0.5, 0.5]])}, lattice=[9.0] * 3)
    assert mobile.choose(full, charges)[0] == cation
    own = {"M": host, "N": ({cation: 0.5}, [[0.2, 0, 0]]), "X": ({anion: filled}, [[0.5, 0.5, 0.5]])}
    assert mobile.choose(crystal(own, lattice=[9.0] * 3), charges)[0] == cation


def test_lithium_of_a_host_moves_although_anion_sites_are_not_full():
    charges = {"Li": 1, "Mn": 3, "O": -2}
    sites = {"M": ({"Li": 0.6, "Mn": 0.4}, [[0, 0, 0]]), "O": ({"O": 0.99}, [[0.5, 0.5, 0.5]])}
    assert mobile.choose(crystal(sites, lattice=[9.0] * 3), charges)[0] == "Li"


def test_two_that_share_all_their_sites_both_move():
    charges = {"Li": 1, "Na": 1, "La": 3, "Cl": -1}
    shared = {"A": ({"Li": 0.3, "Na": 0.2, "La": 0.5}, [[0, 0, 0]]), "Cl": ({"Cl": 1.0}, [[0.5, 0.5, 0.5]])}
    found, why = mobile.choose(crystal(shared, lattice=[9.0] * 3), charges)
    assert found == "Li,Na" and "share their sites" in why
    few = {"A": ({"Li": 0.02, "Na": 0.48, "La": 0.5}, [[0, 0, 0]]), "Cl": shared["Cl"]}
    assert mobile.choose(crystal(few, lattice=[9.0] * 3), charges)[0] == "Na"
    shared["B"] = ({"Na": 1.0}, [[0.5, 0, 0]])
    with pytest.raises(DlmdError, match="It may be Li, Na"):
        mobile.choose(crystal(shared, lattice=[9.0] * 3), charges)


def test_of_two_alike_the_user_is_asked():
    with pytest.raises(DlmdError, match="It may be Li, Na") as error:
        mobile.choose(two({"Li": 1, "Na": 1, "Cl": 1}), {"Li": 1, "Na": 1, "Cl": -1})
    assert error.value.remedy == "say so: --mobile Li"


def test_oxide_vacancies_and_fluoride():
    assert mobile.choose(two({"Zr": 1, "O": 0.9}), {"Zr": 4, "O": -2})[0] == "O"
    assert mobile.choose(two({"Ba": 1, "F": 1}), {"Ba": 2, "F": -1})[0] == "F"
    with pytest.raises(DlmdError, match="which ion"):
        mobile.choose(two({"Mg": 1, "O": 1}), {"Mg": 2, "O": -2})


@pytest.mark.parametrize("cation", ["Mg", "Zn"])
def test_a_divalent_ion_that_leaves_sites_of_its_own_empty_moves(cation):
    sites = {
        cation: ({cation: 0.5}, [[0, 0, 0]]),
        "Ti": ({"Ti": 1.0}, [[0.5, 0.5, 0.5], [0.5, 0, 0]]),
        "O": ({"O": 1.0}, [[0.5, 0.5, 0]]),
    }
    assert mobile.choose(crystal(sites, lattice=[5.0] * 3), {cation: 2, "Ti": 4, "O": -9})[0] == cation


@pytest.mark.parametrize(
    "site", [{"Mg": 1.0}, {"Mg": 0.5, "Ti": 0.25}]
)  # full, and shared with the host: the user says which
def test_divalent_ions_of_the_host_do_not_move_by_themselves(site):
    sites = {"M": (site, [[0, 0, 0]]), "S": ({"S": 1.0}, [[0.5, 0.5, 0.5]])}
    charge = -sum(x * {"Mg": 2, "Ti": 4}[s] for s, x in site.items())
    with pytest.raises(DlmdError, match="which ion"):
        mobile.choose(crystal(sites, lattice=[5.0] * 3), {"Mg": 2, "Ti": 4, "S": charge})


def test_the_only_anion_moves_where_cations_of_high_charge_leave_sites_empty():
    found, why = mobile.choose(two({"La": 2 / 3, "O": 1}), {"La": 3, "O": -2})
    assert found == "O" and "La leaves sites empty" in why
    with pytest.raises(DlmdError, match="which ion"):  # magnesium may be what moves
        mobile.choose(two({"Mg": 0.5, "Zr": 0.25, "O": 1}), {"Mg": 2, "Zr": 4, "O": -2})


def test_where_a_charge_is_left_and_no_ion_can_move_one_is_missing():
    with pytest.raises(DlmdError, match=r"leave -0\.5 e per cell: is one missing") as error:
        mobile.choose(two({"La": 0.5, "O": 1}), {"La": 3, "O": -2})
    assert error.value.remedy.startswith(
        "add the sites of the mobile ion; or the vacancies of O (its occupancies times 0.75)"
    )


def test_the_vacancies_that_balance_dopants_are_named_and_make_it_neutral():
    charges = {"Ce": 4, "Sm": 3, "O": -2}
    sites = {"M": ({"Ce": 0.85, "Sm": 0.15}, [[0, 0, 0]]), "O": ({"O": 1.0}, [[0.2, 0, 0], [0.4, 0, 0]])}
    ceria = crystal(sites, lattice=[12.0, 5.0, 5.0])
    with pytest.raises(DlmdError, match=r"leave -0\.15 e per cell") as error:
        mobile.choose(ceria, charges)
    assert "vacancies of O (its occupancies times 0.9625)" in error.value.remedy


def test_an_element_that_is_listed_empty_is_not_mobile_and_not_lost():
    charges = {"Li": 1, "Na": 1, "Cl": -1}
    listed = two({"Na": 1, "Cl": 1, "Li": 0})
    assert mobile.choose(listed, charges)[0] == "Na"
    with pytest.raises(DlmdError, match="has no Li"):
        mobile.choose(listed, charges, asked="Li")
    assert nearest(listed, (1, 2, 2), charges=charges, mobile="Na").lost == []


def test_rare_ions_get_their_many_cells():
    rare = two({"Na": 0.001, "Cl": 0.001})
    wanted = Wanted(10.0, 40)
    shapes = list(cells._shapes(rare, "Na", wanted))
    assert shapes and all(np.prod(shape) >= 40_000 for shape in shapes)


def test_divalent_copper_is_no_mobile_ion():
    with pytest.raises(DlmdError, match="which ion"):
        mobile.choose(two({"Cu": 1, "S": 1}), {"Cu": 2, "S": -2})


def test_copper_with_a_little_divalent_copper_is_mobile():
    assert mobile.choose(two({"Cu": 0.9, "Se": 1}), {"Cu": 1.11, "Se": -2})[0] == "Cu"


def test_an_ion_that_is_asked_for_must_be_there():
    with pytest.raises(DlmdError, match="has no Ki"):
        mobile.choose(two({"K": 1, "Cl": 1}), {"K": 1, "Cl": -1}, asked="Ki")


def test_widths_of_a_skew_cell():
    lattice = np.array([[4.0, 0, 0], [2.0, 3.0, 0], [0, 0, 5.0]])
    assert widths(lattice) == pytest.approx([12 / np.hypot(3, 2), 3.0, 5.0])


def test_a_label_cell_is_wide_enough_and_no_larger_than_it_must_be():
    found = cells.choose(chain(), {"Na": 1, "F": -1}, "Na", Wanted(12.0))
    assert found.repeat == (4, 1, 1) and cells.narrowest(found) == 16.0
    assert found.occupancy_error == 0 and found.composition == {"Na": 2, "F": 2}


def test_more_atoms_are_taken_where_the_occupancies_need_them():
    """A third in cells of four positions would be a quarter or a half."""
    found = cells.choose(chain(1 / 3), {"Na": 1, "F": -1}, "Na", Wanted(13.0))
    assert found.repeat[0] % 3 == 0 and found.occupancy_error < 1e-9


def test_production_has_ions_enough_and_spreads_in_all_directions():
    found = cells.choose(
        chain(), {"Na": 1, "F": -1}, "Na", Wanted(12.0, 100, weights=cells.PRODUCTION_WEIGHTS)
    )
    assert found.composition["Na"] >= 100
    edges = np.array(found.repeat) * [4, 20, 20]
    assert edges.max() / edges.min() <= cells.WIDEST_TO_NARROWEST


def test_a_filling_says_what_it_changes():
    found = nearest(chain(0.4), (5, 1, 1), charges={"Na": 1, "F": -1}, mobile="Na")
    assert found.composition == {"Na": 2, "F": 2} and found.changes == {"Na": 0.0, "F": 0.0}
    assert found.overrides() == {"M": 0.4, "X": 0.4}
    other = nearest(chain(0.45), (5, 1, 1), charges={"Na": 1, "F": -1}, mobile="Na")
    assert other.changes["Na"] == pytest.approx(-0.05) and other.occupancy_error == pytest.approx(0.05)


def test_a_cell_that_empties_or_fills_no_site_is_worth_a_larger_one():
    sites = {
        "Li1": ({"Li": 0.9375}, [[0, 0, 0]]),
        "Li2": ({"Li": 0.0625}, [[0.5, 0.5, 0.0]]),
        "F": ({"F": 1.0}, [[0.5, 0.5, 0.5]]),
    }
    small = nearest(crystal(sites, lattice=[6.0] * 3), (2, 2, 1), charges={"Li": 1, "F": -1}, mobile="Li")
    assert small.emptied == {"Li2": 0.0625} and small.filled == {"Li1": 0.9375}
    found = cells.choose(small.crystal, {"Li": 1, "F": -1}, "Li", Wanted(12.0, 1, weights=(0.0, 0.0)))
    assert found.repeat == (2, 2, 3) and not found.emptied and not found.filled


def test_temperatures_follow_from_conductivity_and_activation_energy():
    carriers = Carriers(1.0, 0.01, 3.0)
    at = temperatures.choose(
        temperatures.KINDS["Cl"],
        carriers,
        length_ps=1000.0,
        sigma_ms_per_cm=1.0,
        activation_energy_ev=0.3,
        melting_k=1000.0,
    )
    coldest, hottest = at.production_k[0], at.production_k[-1]
    assert hottest == 800 and len(at.production_k) == 6
    d = temperatures.diffusion(coldest, 1.0, 0.3, carriers)
    assert 6 * d * 1000 >= 0.9 * temperatures.HOPS * 9.0
    colder = temperatures.diffusion(coldest - 20, 1.0, 0.3, carriers)
    assert 6 * colder * 1000 < temperatures.HOPS * 9.0
    assert at.labels_k[-1] > hottest and not at.notes
    assert "all given" in at.reason


def test_diffusion_is_nernst_einstein():
    carriers = Carriers(1.0, 0.01, 3.0)
    d = temperatures.diffusion(298.15, 2.0, 0.3, carriers)
    sigma = conductivity_ms_per_cm(
        diffusion_a2_per_ps=d, n_ions=10, charge_e=1.0, volume_angstrom3=1000.0, temperature_k=298.15
    )
    assert sigma == pytest.approx(2.0)
    hot = temperatures.diffusion(600.0, 2.0, 0.3, carriers)
    kt = 8.617333262e-5
    # ln(D) has the slope of ln(sigma T)
    assert np.log(hot / d) == pytest.approx(0.3 / kt * (1 / 298.15 - 1 / 600.0))


def test_a_slow_conductor_gets_a_note():
    carriers = Carriers(1.0, 0.01, 3.0)
    at = temperatures.choose(
        temperatures.KINDS["Cl"], carriers, length_ps=50.0, sigma_ms_per_cm=1e-6, activation_energy_ev=0.6
    )
    (note,) = at.notes
    # thousandths of a hop: a larger budget is no advice
    assert "no run of this kind will show motion" in note and "too slow for molecular dynamics" in note
    assert "raise the budget" not in note
    assert at.production_k[-1] / at.production_k[0] == pytest.approx(temperatures.NARROWEST, rel=0.05)


@pytest.mark.parametrize(
    ("sigma", "energy", "said"),
    [
        (1e-2, 0.4, "expect `too_short` (below one square hop `not_diffusive`) at all temperatures"),
        (0.2, 0.4, "expect `too_short` (below one square hop `not_diffusive`) at the lower temperatures"),
        (2e-3, 0.4, "show motion at the lower temperatures, whatever the budget"),
    ],
)
def test_the_note_names_the_verdict_that_such_a_run_gets(sigma, energy, said):
    """Below four square hops it is `too_short`, below one `not_diffusive` (`dlmd.transport.gates`)."""
    at = temperatures.choose(
        temperatures.KINDS["Cl"],
        Carriers(1.0, 0.01, 3.0),
        length_ps=100.0,
        sigma_ms_per_cm=sigma,
        activation_energy_ev=energy,
    )
    (note,) = at.notes
    assert said in note, note


def moved(at, carriers, sigma, energy, length_ps):
    d = temperatures.diffusion(at.production_k[0], sigma, energy, carriers)
    return 6 * d * length_ps / carriers.hop_angstrom**2


def test_what_is_said_of_hops_is_true_at_the_lowest_temperature_wherever_it_comes_from():
    carriers = Carriers(1.0, 0.01, 3.0)
    for sigma, energy, said in (
        (
            1e-6,
            0.6,
            "only {:.2g} of 4 square hops of 3 Å in 50 ps at {} K",
        ),  # a slow one: bounded by the melting point
        (0.1, 0.4, "4 square hops of 3 Å in 50 ps from {1} K on"),
        (1e4, 0.2, "{:.2g} square hops of 3 Å in 50 ps at {} K"),  # a fast one: bounded by the width
    ):
        at = temperatures.choose(
            temperatures.KINDS["O"],
            carriers,
            length_ps=50.0,
            sigma_ms_per_cm=sigma,
            activation_energy_ev=energy,
        )
        hops = moved(at, carriers, sigma, energy, 50.0)
        assert at.reason.endswith("an ion makes " + said.format(hops, at.production_k[0]))
        assert (hops < 4) == said.startswith("only") == bool(at.notes)
        assert all(f"{hops:.2g} of 4 square hops" in note for note in at.notes)


@pytest.mark.parametrize(
    "of",
    [
        Cells("labels", "label", "label_random", ("production", "production"), 3),
        Cells("labels", "label", "label_random", ("labels", "label"), 2),
        Cells("production", "label", None, ("production", "label"), 1),
    ],
    ids=["usual", "held-out label cell", "one ordering"],
)
def test_no_trajectory_is_in_two_splits(of):
    found = groups(of, labels_k=(400, 500, 600, 800), rdf_k=500)
    keys = [(g.occupancy, g.cell, g.ordering, t, g.strain) for g in found for t in g.temperatures_k]
    assert len(keys) == len(set(keys))
    assert {g.split for g in found} == {"train", "valid", "test"} and found[-1].split == "test"
    assert found[-1].temperatures_k == (500,) and not found[-1].strain
    assert max(t for g in found if g.split == "train" for t in g.temperatures_k) == 800
    assert {g.strain for g in found if g.split == "train"} == {0.0, 0.01, -0.01}


@pytest.mark.parametrize("length_ps", [20.0, 33.0, 150.0, 900.0, 10_000.0])
@pytest.mark.parametrize("hours_of_ps", [1e-4, 1e-2, 0.3])
def test_segments_are_whole_multiples_of_everything(length_ps, hours_of_ps):
    found = lengths.cut(length_ps, hours_of_ps)
    for inner, outer in (
        (found.position_interval_fs, 1e3 * found.restart_interval_ps),
        (1e3 * found.all_atom_interval_ps, 1e3 * found.restart_interval_ps),
        (found.restart_interval_ps, found.segment_ps),
    ):
        assert outer / inner == pytest.approx(round(outer / inner)) and outer >= inner
    assert found.segments >= 2
    assert 0.5 * length_ps <= found.length_ps <= max(length_ps, found.segments * 5.0)


@pytest.mark.parametrize(("share", "kept"), [(1.0, 9), (0.8, 7), (0.3, 3), (0.01, 3)])
def test_a_share_of_the_trajectories_keeps_the_hottest_and_what_is_held_out(share, kept):
    of = Cells("labels", "label", "label_random", ("production", "production"), 3)
    every = groups(of, labels_k=(400, 500, 600, 800), rdf_k=500)
    found = groups(of, labels_k=(400, 500, 600, 800), rdf_k=500, share=share)
    train = [g for g in found if g.split == "train"]
    assert sum(len(g.temperatures_k) for g in train) == kept
    assert max(t for g in train for t in g.temperatures_k) == 800
    assert {g.cell for g in train} == {"label", "label_random"} and len({g.strain for g in train}) > 1
    assert [g for g in found if g.split != "train"] == [g for g in every if g.split != "train"]


def test_ions_that_fill_their_sites_stay_as_drawn():
    charges = {"Li": 1, "Na": 1, "Cl": -1}
    anion = {"Cl": ({"Cl": 1.0}, [[0.5, 0.5, 0.5]])}
    full = crystal({"M": ({"Li": 0.5, "Na": 0.5}, [[0, 0, 0]]), **anion}, lattice=[4.0] * 3)
    assert "stay as drawn" in disorder.sampling(full, charges, "Li,Na")[1]
    loose = crystal({"M": ({"Li": 0.5, "Na": 0.4}, [[0, 0, 0]]), **anion}, lattice=[4.0] * 3)
    assert "find their places" in disorder.sampling(loose, charges, "Li,Na")[1]
    ordered = crystal({"M": ({"Li": 1.0}, [[0, 0, 0]]), **anion}, lattice=[4.0] * 3)
    assert "nothing to arrange" in disorder.sampling(ordered, charges, "Li")[1]
