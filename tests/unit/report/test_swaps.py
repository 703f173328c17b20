"""What the page says of an ordering that swaps have made."""

from dlmd.report.swaps import sentence


def test_acceptance_drift_and_the_largest_change_are_said():
    record = {
        "sweeps": 60,
        "temperature_k": 573.0,
        "tried": {"S-Cl": 900, "hop": 100},
        "accepted": {"S-Cl": 40, "hop": 10},
        "sweeps_counted": 45,
        "drift_ev": -0.02,
        "drift_standard_error_ev": 0.05,
        "occupancies": [
            row("Cl", "4a", 0.6, 0.58),
            row("Cl", "4d", 0.4, 0.31),
        ],
    }
    said = sentence(record)
    assert "50 of 1,000 swaps accepted (5.0%)" in said
    assert "-0.02 ± 0.05 eV" in said
    assert "Cl on 4d is 0.310 ± 0.020 where 0.400 was asked for" in said


def row(species, site, asked, mean):
    return {
        "species": species,
        "site": site,
        "refined_occupancy": asked,
        "mean_occupancy": mean,
        "standard_error": 0.02,
    }
