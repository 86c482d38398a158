DRAWN = [figure for figure in figures() if figure.in_report]
FIGURES = [f"figures/{NAME}/{figure.name}.svg" for figure in DRAWN if not figure.lacking(EXPERIMENT)]


for figure in DRAWN:

    rule:
        name:
            f"figure_{figure.name}"
        input:
            shown=shown(figure),
            config=CONFIG_RECORD if figure.of_parts else [],
            published=PUBLISHED if figure.published else [],
        output:
            multiext(f"figures/{NAME}/{figure.name}", ".png", ".csv"),
            shown=report(
                f"figures/{NAME}/{figure.name}.svg",
                caption=f"../report/figure_{figure.name}.rst",
                category="Figures",
            ),
        log:
            f"logs/{NAME}/figure_{figure.name}.log",
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            command=figure.command,
            sources=sources(figure),
            out=subpath(output.shown, strip_suffix=".svg"),
            published=published_option if figure.published else "",
        shell:
            "normeq figure {params.command} {params.sources} {params.published}"
            " --out {params.out} > {log} 2>&1"
