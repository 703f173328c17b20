"""Where a config may ask for swap Monte Carlo."""

from pathlib import Path

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config.reading import parse

TOY = Path(__file__).parents[3] / "config/toy.yaml"


def config(**changes):
    """The toy with a production cell of its own that is sampled by swaps."""
    data = yaml.safe_load(TOY.read_text())
    data["structures"]["cells"] = {"80": [2, 1, 2], "production": [2, 1, 2]}
    data["structures"]["occupancies"] = {"0.750": {"2a": 0.75, "4g": 0.125}}
    data["structures"]["sampling"] = {"80": "random", "production": "swap_mc"}
    data["structures"]["swap_mc"] = {"temperature_k": 573}
    data["md"]["cell"] = "production"
    data["md"]["lattice_from"] = {"occupancy": "0.750", "cell": "80"}
    for path, value in changes.items():
        section, key = path.split("__")
        data[section][key] = value
    return parse(data)


def test_production_alone_can_be_sampled_with_the_potential():
    cfg = config()
    assert cfg.structures.sampling_of("production") == "swap_mc"
    assert cfg.structures.built_as("production") == "random" and cfg.structures.built_as("80") == "random"
    assert cfg.structures.swap_mc.sweeps == 60


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"structures__swap_mc": None}, "at no temperature"),
        ({"structures__sampling": {"80": "swap_mc", "production": "random"}}, "is no cell of production"),
        ({"structures__sampling": "swap_mc"}, "is no cell of production"),
        ({"md__lattice_from": None}, "is wanted before there is one"),
        ({"md__lattice_from": {"occupancy": "0.750", "cell": "production"}}, "is wanted before there is one"),
    ],
)
def test_what_would_need_the_potential_before_it_is_there_is_refused(changes, said):
    with pytest.raises(DlmdError, match=said):
        config(**changes)
