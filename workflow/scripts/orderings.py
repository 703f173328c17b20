from adapter import job

with job(snakemake):
    from dlmd.structures import jobs

    jobs.build(
        snakemake.input.cif,
        cif_files=snakemake.output.cif,
        summary_file=snakemake.output.summary,
        **{
            k: snakemake.params[k]
            for k in ("repeat", "occupancies", "charges", "sampling", "min_distance_angstrom", "tolerance", "seed")
        },
    )
