"""What the commands on one's own trajectories say of what they took, and of whose results stand in their way."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.base.files import write_json
from dlmd.base.provenance import provenance
from dlmd.cli import own_settings, own_trajectory, rdf, transport


def frames_of(kept, total, ions=10):
    return SimpleNamespace(n_frames=total, n_ions=ions, atoms=SimpleNamespace(frames=np.array(kept)))


def test_rdf_says_of_which_frames_it_is(monkeypatch):
    assert rdf._counted(40, frames_of(range(40), 40)) == ["40 frames"]
    kept = range(0, 1076, 20)
    (line,) = rdf._counted(len(kept), frames_of(kept, 1076))
    assert line.startswith("g(r) and coordination from 54 of 1076 frames (one in 20)")
    assert "not evenly" in rdf._counted(3, frames_of([0, 5, 20], 100))[0]
    monkeypatch.setattr(rdf, "_BYTES", 12 * 10 * 100)
    assert rdf._counted(400, frames_of(range(400), 400))[1].startswith(
        "van Hove functions from one frame in 4"
    )


def test_results_of_other_files_are_named_by_their_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = tmp_path / "out/600K.json"
    for name in ("out", "first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "XDATCAR").write_text(name)
    write_json(result, {"provenance": {"inputs": [{"path": "first/XDATCAR"}]}})
    second = [str(tmp_path / "second/XDATCAR")]
    with pytest.raises(DlmdError, match="of other files: first/XDATCAR, now second/XDATCAR") as refused:
        own_settings.require_free(result, second)
    # an option that study does not have is no way out
    assert "--name" not in refused.value.remedy and "-o DIR" in refused.value.remedy
    with pytest.raises(DlmdError) as refused:
        own_settings.require_free(result, second, named=True)
    assert "--name NAME" in refused.value.remedy
    own_settings.require_free(result, [Path("first/XDATCAR")])
    # a run that went on has more parts
    own_settings.require_free(result, ["first/XDATCAR", *second])
    # what is not there is no result of other files
    own_trajectory.require_there(["first/XDATCAR", "second"])
    with pytest.raises(DlmdError, match="no such file"):
        own_trajectory.require_there(["third/XDATCAR"])


def test_the_result_of_another_command_is_not_written_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("XDATCAR").write_text("")
    result = tmp_path / "600K.json"
    write_json(result, {"format": "dlmd-mechanism", "provenance": {"inputs": [{"path": "XDATCAR"}]}})
    own_settings.require_free(result, ["XDATCAR"], formats=["dlmd-mechanism"])
    with pytest.raises(DlmdError, match="of another command"):
        own_settings.require_free(result, ["XDATCAR"], formats=transport.FORMATS)


def test_the_result_of_other_ions_is_not_written_over(tmp_path):
    result = tmp_path / "600K.json"
    own_settings.require_same_ions(result, SimpleNamespace(mobile="Li", n_ions=8))
    write_json(result, {"mobile": "Li", "n_ions": 8})
    own_settings.require_same_ions(result, SimpleNamespace(mobile="Li", n_ions=8))
    with pytest.raises(DlmdError, match=r"600K\.json is the result of 8 Li, now 4 Na are mobile"):
        own_settings.require_same_ions(result, SimpleNamespace(mobile="Na", n_ions=4))
    with pytest.raises(DlmdError, match="now 6 Li are mobile"):
        own_settings.require_same_ions(result, SimpleNamespace(mobile="Li", n_ions=6))


def test_a_result_knows_its_files_from_another_folder(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"trajectory {name}")
    monkeypatch.chdir(tmp_path)
    result = tmp_path / "out/600K.json"
    result.parent.mkdir()
    write_json(result, {"provenance": provenance(["a"], command=["dlmd"])})
    monkeypatch.chdir(result.parent)
    own_settings.require_free(result, ["../a"])
    with pytest.raises(DlmdError, match="of other files"):
        own_settings.require_free(result, ["../b"])
