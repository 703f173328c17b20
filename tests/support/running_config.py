"""The toy's config in a folder of its own."""

import shutil
from pathlib import Path

from dlmd.config.reading import load

ROOT = Path(__file__).parents[2]


def toy_config(folder, monkeypatch):
    """Copy config/ and structures/ to `folder`, go there and load the toy's config."""
    for name in ("config", "structures"):
        shutil.copytree(ROOT / name, folder / name)
    monkeypatch.chdir(folder)
    return load("config/toy.yaml")
