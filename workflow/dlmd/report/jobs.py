"""The provenance of a run as a job; the report itself is `dlmd.report.page.write`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def ro_crate(
    inputs: Sequence[str],
    results: Sequence[str],
    *,
    crate: str,
    name: str,
    description: str,
    overrides: Mapping[str, Any],
) -> None:
    """The RO-Crate of a run in the folder of `crate` (see `dlmd.report.ro_crate`)."""
    from dlmd.base import provenance
    from dlmd.report import ro_crate as writing
    from dlmd.report.page import PACKAGES

    writing.write(
        Path(crate).parent,
        inputs=[Path(p) for p in inputs],
        results=[Path(p) for p in results],
        versions=provenance.versions(PACKAGES),
        name=name,
        description=description,
        output=Path(crate),
        overrides=overrides,
    )
