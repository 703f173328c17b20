from adapter import job

with job(snakemake):
    from pathlib import Path

    from dlmd.base import provenance
    from dlmd.report import ro_crate
    from dlmd.report.page import PACKAGES

    ro_crate.write(
        Path(snakemake.output.crate).parent,
        inputs=[Path(p) for p in snakemake.input.inputs],
        results=[Path(p) for p in snakemake.input.results],
        versions=provenance.versions(PACKAGES),
        name=snakemake.params.name,
        description=snakemake.params.description,
        output=Path(snakemake.output.crate),
    )
