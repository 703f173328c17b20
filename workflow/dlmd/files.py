"""Writing result files so that a killed job leaves none that is half written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def write_json(path: Path, data: Mapping) -> None:
    """Write `data` so that the file is either absent or whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(data, indent=1) + "\n")
    temporary.replace(path)
