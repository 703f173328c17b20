from adapter import job

with job(snakemake):
    from dlmd.md import jobs

    jobs.cell(
        snakemake.input.structure,
        list(snakemake.input.relaxed),
        data=snakemake.output.data,
        info=snakemake.output.info,
        **{k: snakemake.params[k] for k in ("repeat", "lattice_repeat", "own", "species", "mobile")},
    )
