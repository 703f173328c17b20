from adapter import job

with job(snakemake):
    from dlmd.report import page

    page.write(
        snakemake.input.config,
        output=snakemake.output.html,
        summary=snakemake.output.summary,
        answer=snakemake.output.answer,
        comparison=snakemake.output.comparison,
        reference=str(snakemake.input.reference) if snakemake.input.reference else None,
    )
