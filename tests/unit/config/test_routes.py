"""Where potentials come from: what the config refuses, and how it says so."""

import copy
from pathlib import Path

import pytest
import yaml

from dlmd.base.errors import DlmdError
from dlmd.config import routes
from dlmd.config.levels import recorded
from dlmd.config.reading import _Loader, load, parse
from dlmd.run import preflight, targets

ROOT = Path(__file__).parents[3]
BASE = yaml.load((ROOT / "config/toy_few.yaml").read_text(), Loader=_Loader)
FRAMES = [{"file": "a.extxyz", "split": "train"}, {"file": "b.extxyz", "split": "test"}]


def changed(**changes):
    data = copy.deepcopy(BASE)
    for path, value in changes.items():
        *parts, last = path.split("__")
        place = data
        for part in parts:
            place = place[part]
        place[last] = value
    return data


def test_the_route_of_few_labels_is_accepted():
    cfg = parse(BASE)
    assert cfg.levels["r2scan"].start_from == "chgnet"
    # where a potential comes from decides no label
    assert recorded(cfg.levels["r2scan"]) == {"engine": "chgnet", "model": "r2scan"}


@pytest.mark.parametrize(
    ("changes", "what", "where"),
    [
        ({"levels__r2scan__start_from": "chgnt"}, "there is no level chgnt", "levels.r2scan.start_from"),
        ({"levels__r2scan__start_from": "r2scan"}, "cannot start from itself", "levels.r2scan.start_from"),
        ({"levels__chgnet__start_from": "r2scan"}, "starts from another level, too", "start_from"),
        ({"levels__r2scan__potential": "a.pb"}, "its potential is given, too", "levels.r2scan.potential"),
        ({"training__fine_tuning": {"steps": 250}}, "no multiple", "training.fine_tuning.steps"),
        ({"learning": None}, "neither a learning loop nor labels.frames", "levels.r2scan.start_from"),
        (
            {"labels__frames": FRAMES, "levels": {"r2scan": {"engine": "chgnet", "model": "r2scan"}}},
            "no level goes through the learning loop",
            "learning",
        ),
        ({"labels__frames": FRAMES[:1], "learning": None}, "for 'test'", "labels.frames"),
        (
            {"labels__frames": [{"file": "a", "level": "chgnet"}]},
            "only serves other levels",
            "labels.frames.0.level",
        ),
        ({"labels__frames": [{"file": "a", "level": "x"}]}, "there is no level x", "labels.frames.0.level"),
    ],
)
def test_what_does_not_fit_is_refused(changes, what, where):
    with pytest.raises(DlmdError) as error:
        parse(changed(**changes))
    assert what in str(error.value) and where in str(error.value)
    assert len(str(error.value).splitlines()) == 3


def test_held_out_orderings_are_not_trained_on():
    groups = copy.deepcopy(BASE["learning"]["explore"])
    groups[1]["orderings"] = [0]
    with pytest.raises(DlmdError, match="for training and for testing"):
        parse(changed(learning__explore=groups))
    with pytest.raises(DlmdError, match="nothing would judge"):
        parse(changed(learning__explore=groups[:1]))


def test_the_shipped_config_for_dft_asks_for_fifty_single_points():
    cfg = load(ROOT / "config/few.yaml")
    (text,) = targets.single_points(cfg)
    assert text.startswith("u4: at most 50 single points, 50 in each of 1 rounds, 12 of them held out")
    assert len(targets.label_slots(cfg, "u4")) == 50


def test_a_file_of_labels_may_be_a_plain_name():
    cfg = parse(changed(labels__frames=["mine.extxyz"], learning=None))
    assert cfg.labels.frames[0].file == "mine.extxyz" and cfg.labels.frames[0].split is None


def test_a_given_potential_is_one():
    data = changed(learning=None)
    data["levels"] = {"mine": {"engine": "chgnet", "potential": "my.pb"}}
    with pytest.raises(DlmdError, match=r"set training\.potentials to 1"):
        parse(data)
    data["training"]["potentials"] = 1
    data["labels"]["aimd"] = {}
    assert parse(data).levels["mine"].potential == "my.pb"


def test_given_labels_are_where_the_loop_goes_on_from():
    cfg = parse(changed(labels__frames=FRAMES))
    assert routes.loops(cfg, "r2scan") and routes.uses_engine(cfg, "r2scan")
    assert routes.labelled_before(cfg, "r2scan") and not routes.own_dynamics(cfg, "r2scan")
    # what is held out is still explored once
    assert {source.split for source in targets.explored_in(cfg, "r2scan", 0)} == {"train", "test"}
    assert {s.id.split("_")[0] for s in targets.data_sources(cfg, "r2scan", 1)} == {
        "given0",
        "given1",
        "learned0",
    }


def test_given_labels_stay_as_they_are_where_another_level_has_the_loop():
    levels = {**BASE["levels"], "other": {"engine": "chgnet", "model": "r2scan", "start_from": "chgnet"}}
    frames = [{**given, "level": "other"} for given in FRAMES]
    cfg = parse(changed(labels__frames=frames, levels=levels))
    assert routes.loops(cfg, "r2scan")
    assert not routes.loops(cfg, "other") and not routes.uses_engine(cfg, "other")


def test_held_out_frames_of_given_labels_need_no_exploration():
    explore = [group for group in BASE["learning"]["explore"] if group.get("split") != "test"]
    cfg = parse(changed(labels__frames=FRAMES, learning__explore=explore))
    (line,) = targets.single_points(cfg)
    assert " 0 of them held out" in line


def test_files_of_labels_are_looked_for_where_the_loop_goes_on_from_them_too():
    cfg = parse(changed(labels__frames=FRAMES))
    with pytest.raises(DlmdError, match=r"no such file: a\.extxyz") as error:
        preflight.check_level(cfg, "r2scan", file="my.yaml")
    assert "my.yaml, key labels.frames.0.file" in str(error.value)
