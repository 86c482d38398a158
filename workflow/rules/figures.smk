FIGURES = [
    f"figures/{NAME}/{figure}.svg"
    for figure, kind in {
        "noise_levels": "noise_levels",
        "input_psnr": "noise_levels",
        "intervals": "intervals",
        "interval_pictures": "interval_pictures",
        "heatmap": "heatmap",
        "tuning": "tuning",
        "filters": "filters",
        "examples": "examples",
        "layers": "noise_levels",  # of the layers themselves: always
        "two_dimensional": "noise_levels",
    }.items()
    if kind in EXPERIMENT.measurements
]
if "published" in EXPERIMENT.config["evaluate"].get("certificate", {}):  # else there is one noise level
    FIGURES.append(f"figures/{NAME}/defect.svg")
if any(may_have_log(run) for run in EXPERIMENT.runs):
    FIGURES.append(f"figures/{NAME}/training.svg")


rule figure_noise_levels:
    input:
        table=f"results/{NAME}/noise_levels.csv",
        published=PUBLISHED,
    output:
        multiext(f"figures/{NAME}/noise_levels", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/noise_levels.svg",
            caption="../report/figure_noise_levels.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_noise_levels.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
        published=published_option,
    shell:
        "normeq figure noise-levels {input.table} {params.published} --out {params.out} > {log} 2>&1"


rule figure_input_psnr:
    input:
        table=f"results/{NAME}/noise_levels.csv",
        published=PUBLISHED,
    output:
        multiext(f"figures/{NAME}/input_psnr", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/input_psnr.svg",
            caption="../report/figure_input_psnr.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_input_psnr.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
        published=published_option,
    shell:
        "normeq figure input-psnr {input.table} {params.published} --out {params.out} > {log} 2>&1"


rule figure_intervals:
    input:
        table=f"results/{NAME}/intervals.csv",
    output:
        multiext(f"figures/{NAME}/intervals", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/intervals.svg",
            caption="../report/figure_intervals.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_intervals.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure intervals {input.table} --out {params.out} > {log} 2>&1"


rule figure_filters:
    input:
        parts=parts("filters"),
        config=CONFIG_RECORD,
    output:
        multiext(f"figures/{NAME}/filters", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/filters.svg",
            caption="../report/figure_filters.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_filters.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure filters {input.parts} --out {params.out} > {log} 2>&1"


rule figure_examples:
    input:
        parts=parts("examples"),
        config=CONFIG_RECORD,
    output:
        multiext(f"figures/{NAME}/examples", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/examples.svg",
            caption="../report/figure_examples.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_examples.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure examples {input.parts} --out {params.out} > {log} 2>&1"


rule figure_layers:
    output:
        multiext(f"figures/{NAME}/layers", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/layers.svg",
            caption="../report/figure_layers.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_layers.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure layers --out {params.out} > {log} 2>&1"


rule figure_interval_pictures:
    input:
        parts=parts("interval_pictures"),
        config=CONFIG_RECORD,
    output:
        multiext(f"figures/{NAME}/interval_pictures", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/interval_pictures.svg",
            caption="../report/figure_interval_pictures.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_interval_pictures.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure interval-pictures {input.parts} --out {params.out} > {log} 2>&1"


rule figure_heatmap:
    input:
        table=f"results/{NAME}/heatmap.csv",
    output:
        multiext(f"figures/{NAME}/heatmap", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/heatmap.svg",
            caption="../report/figure_heatmap.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_heatmap.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure heatmap {input.table} --out {params.out} > {log} 2>&1"


rule figure_tuning:
    input:
        table=f"results/{NAME}/tuning.csv",
    output:
        multiext(f"figures/{NAME}/tuning", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/tuning.svg",
            caption="../report/figure_tuning.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_tuning.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure tuning {input.table} --out {params.out} > {log} 2>&1"


rule figure_defect:
    input:
        table=f"results/{NAME}/certificate.csv",
        published=PUBLISHED,
    output:
        multiext(f"figures/{NAME}/defect", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/defect.svg",
            caption="../report/figure_defect.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_defect.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
        published=published_option,
    shell:
        "normeq figure defect {input.table} {params.published} --out {params.out} > {log} 2>&1"


rule figure_two_dimensional:
    output:
        multiext(f"figures/{NAME}/two_dimensional", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/two_dimensional.svg",
            caption="../report/figure_two_dimensional.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_two_dimensional.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure two-dimensional --out {params.out} > {log} 2>&1"


rule figure_training:
    input:
        runs=ancient(expand("results/runs/{run}/run.json", run=EXPERIMENT.runs)),
        config=CONFIG_RECORD,
    output:
        multiext(f"figures/{NAME}/training", ".png", ".csv"),
        shown=report(
            f"figures/{NAME}/training.svg",
            caption="../report/figure_training.rst",
            category="Figures",
        ),
    log:
        f"logs/{NAME}/figure_training.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        runs=[f"results/runs/{run}" for run in EXPERIMENT.runs],
        out=subpath(output.shown, strip_suffix=".svg"),
    shell:
        "normeq figure training {params.runs} --out {params.out} > {log} 2>&1"
