from pathlib import Path

import pytest

from dlmd.base.errors import DlmdError
from dlmd.config.reading import load
from dlmd.config.run_config import RunConfig
from dlmd.run import targets
from dlmd.run.preflight import check_barriers

ROOT = Path(__file__).parents[3]


def config(**hop):
    raw = load(ROOT / "config/toy.yaml").model_dump(mode="json")
    raw["material"]["cif"] = str(ROOT / "structures/Li3TiCl6.cif")
    raw["barriers"] = {"hops": [{"name": "h", **hop}]}
    return RunConfig.model_validate(raw)


def test_hops_that_join_sites_pass():
    check_barriers(config(direction=[1, 0, 1]), file="my.yaml")
    check_barriers(config(start="Li2", end="4g"), file="my.yaml")


def test_a_hop_that_joins_none_is_refused_before_the_first_job():
    with pytest.raises(DlmdError, match="no site 'Li7'") as caught:
        check_barriers(config(start="Li7", end="Li1"), file="my.yaml")
    assert caught.value.where == "my.yaml, barriers.hops, h"
    with pytest.raises(DlmdError, match="other sign"):
        check_barriers(config(start="Li1", end="Cl1"), file="my.yaml")


@pytest.mark.parametrize(
    ("hop", "message"),
    [
        ({"direction": [0, 0, 0]}, "no direction"),
        ({"start": "Li1"}, "leads nowhere"),
        ({"name": "a/b", "direction": [1, 0, 0]}, "no plain name"),
    ],
)
def test_mistakes_in_a_hop_are_refused(hop, message):
    with pytest.raises(ValueError, match=message):
        config(**hop)


def test_hops_of_one_name_and_more_engine_bands_than_bands_are_refused():
    raw = config(direction=[1, 0, 0]).model_dump(mode="json")
    raw["barriers"]["hops"] *= 2
    with pytest.raises(ValueError, match="two hops are named 'h'"):
        RunConfig.model_validate(raw)
    raw["barriers"] |= {"hops": raw["barriers"]["hops"][:1], "environments": 1, "engine_environments": 2}
    with pytest.raises(ValueError, match=r"2 is more than barriers\.environments"):
        RunConfig.model_validate(raw)


def test_cells_of_the_barriers_are_those_named_or_those_of_production():
    cfg = config(direction=[1, 0, 0])
    assert targets.barrier_cells(cfg) == [("0.750", "80", 0)]
    raw = cfg.model_dump(mode="json")
    raw["barriers"]["cells"] = [{"occupancy": "0.750", "cell": "80", "orderings": [1]}]
    named = RunConfig.model_validate(raw)
    assert targets.barrier_cells(named) == [("0.750", "80", 1)]
    # what is named is relaxed
    assert ("0.750", "80", 1) in targets.relaxed_cells(named)
    assert named.barriers.bands == [("h", 0), ("h", 1), ("h", 2)]
